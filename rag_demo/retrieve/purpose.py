"""What the verb of a question asks for, and the signs by which methods of that sort are known. Pure functions.

«Возвращает …», «определить …» ask for a function, «заполнить …» for a procedure, «вызывается при …» for a handler.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from rag_demo.index.analyse import fold, stem
from rag_demo.index.traits import FACTS

Purpose = Literal["returns", "does", "called", "overrides", "whether"]
_SAID: dict[Purpose, str] = {
    "returns": "возвращает вернуть получает получить return get",
    "does": "заполняет заполнить устанавливает установить добавляет добавить удаляет удалить записывает записать "
    "обновляет обновить выполняет выполнить создает создать открывает открыть изменяет изменить fill set add delete",
    "called": "вызывается вызываемая обработчик событие called handler event",
    "overrides": "позволяет предназначена предназначен переопределить переопределяет дополняет дополнить override",
    "whether": "истина признак проверяет проверить проверка является true whether check",
}
_STEMS: dict[Purpose, frozenset[str]] = {
    purpose: frozenset(stem(fold(word)) for word in words.split()) for purpose, words in _SAID.items()
}
PURPOSES: tuple[Purpose, ...] = tuple(_SAID)
# Beginnings of names; in traits they are no words, because they tell no subject.
_BEGINNINGS = {
    "event_name": ("при", "после", "перед", "обработ", "on", "after", "before"),
    "whether_name": ("это", "есть", "нужно", "можно", "требуется", "использ", "разреш", "is", "has", "need"),
}
SIGNS = tuple(_BEGINNINGS)
# Which facts and signs are worth something else where a question has that purpose.
CROSSES: tuple[tuple[Purpose, str], ...] = (
    ("returns", "function"),
    ("does", "function"),
    ("called", "function"),
    ("called", "handler"),
    ("called", "event_name"),
    ("called", "overridable"),
    ("overrides", "overridable"),
    ("whether", "function"),
    ("whether", "whether_name"),
)
_FIRST = 2
_FIRST_WHETHER = 6

assert {fact for _, fact in CROSSES} <= {*FACTS, *SIGNS}  # noqa: S101  # a slip in the table above


def purposes_of(words: Sequence[str]) -> frozenset[Purpose]:
    """What the first words of a question ask for; none or several."""
    stems = [stem(word) for word in words]
    within: dict[Purpose, int] = {"whether": _FIRST_WHETHER}
    return frozenset(
        purpose for purpose in PURPOSES if _STEMS[purpose].intersection(stems[: within.get(purpose, _FIRST)])
    )


def signs_of(name: str) -> frozenset[str]:
    """The signs that the name of a method bears."""
    folded = fold(name)
    return frozenset(sign for sign, beginnings in _BEGINNINGS.items() if folded.startswith(beginnings))
