"""Kinds of 1C objects in questions: «справочник Валюты», «Справочники.Валюты», «СправочникСсылка», "Catalogs."."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from rag_demo.errors import InputError
from rag_demo.index.analyse import fold, split_identifier, stem
from rag_demo.ingest.kinds import KINDS

_TYPE_ENDINGS = (
    ("ссылка", "Ref"),
    ("объект", "Object"),
    ("менеджер", "Manager"),
    ("выборка", "Selection"),
    ("список", "List"),
)
_ALSO_CALLED = {
    "Catalog": ("catalogue",),
    "Enum": ("enumeration",),
    "ScheduledJob": ("рег задание", "регзадание", "scheduled task"),
    "WebService": ("вебсервис",),
}


class Spoken(NamedTuple):
    """A kind that a question names, and the words, ``start`` to ``end``, that name it."""

    kind: str
    start: int
    end: int


def words(text: str) -> list[str]:
    """The words of a text as they are written."""
    return re.findall(r"\w+", text)


def _prefixes() -> Iterator[tuple[str, str]]:
    for kind in KINDS:
        russian = "".join(words(kind.ru))
        for prefix in (kind.name, kind.folder, russian, "".join(words(kind.ru_plural))):
            yield fold(prefix), kind.name
        for ending, english_ending in _TYPE_ENDINGS:
            yield fold(russian) + ending, kind.name
            yield fold(kind.name + english_ending), kind.name


def _phrases() -> Iterator[tuple[tuple[str, ...], str]]:
    for kind in KINDS:
        english = (" ".join(split_identifier(name)) for name in (kind.name, kind.folder))
        for spoken in (kind.ru, kind.ru_plural, *english, *_ALSO_CALLED.get(kind.name, ())):
            yield tuple(stem(fold(word)) for word in words(spoken)), kind.name


_PREFIXES = dict(_prefixes())
_PHRASES = dict(_phrases())
_LONGEST_PHRASE = max(map(len, _PHRASES))


def kind_called(text: str) -> str:
    """The English kind that somebody calls «Справочник», «общие модули», `Catalogs` or «СправочникСсылка».

    Raises:
        InputError: there is no such kind.
    """
    said = words(text)
    found = _PREFIXES.get(fold("".join(said))) or _PHRASES.get(tuple(stem(fold(word)) for word in said))
    if found is None:
        known = ", ".join(f"{kind.word} ({kind.name})" for kind in KINDS)
        raise InputError(f"{text!r:.80} is no kind of metadata object. There are: {known}.")
    return found


def canonical_name(name: str) -> str:
    """A dotted name with its kind as the index writes it: «Справочники.Валюты» → «Catalog.Валюты»."""
    first, dot, rest = name.partition(".")
    return f"{_PREFIXES[fold(first)]}.{rest}" if dot and fold(first) in _PREFIXES else name


def spoken_kinds(question: Sequence[str]) -> list[Spoken]:
    """Kinds that a question names in Russian or English.

    Args:
        question: its words in order; case and inflection do not matter. Of «план видов характеристик» the
            longest kind counts, not the «план видов» inside it.
    """
    stems = [stem(fold(word)) for word in question]
    found: list[Spoken] = []
    position = 0
    while position < len(stems):
        for length in range(_LONGEST_PHRASE, 0, -1):
            kind = _PHRASES.get(tuple(stems[position : position + length]))
            if kind is not None:
                found.append(Spoken(kind, position, position + length))
                position += length
                break
        else:
            position += 1
    return found
