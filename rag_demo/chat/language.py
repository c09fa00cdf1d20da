"""Which language a question is asked in. The answer keeps it."""

from __future__ import annotations

import re

from rag_demo.index.analyse import is_compound

_CYRILLIC = re.compile(r"[А-Яа-яЁё]")
_LATIN = re.compile(r"[A-Za-z]")
_WORD = re.compile(r"\w+(?:\.\w+)*")
_WISH = re.compile(
    r"^\s*(?:(?:а|и|and|теперь|now|можно|скажи|ответь|переведи|повтори|то\s+же|answer|say\s+it|the\s+same)\s+)*"
    r"(?:(?P<english>на\s+английск\w+|по-английски|in\s+english)|на\s+русск\w+|по-русски|in\s+russian)"
    r"(?:[\s,]+(?:язык\w*|please|пожалуйста))*\W*$",
    re.IGNORECASE,
)
_IN_ENGLISH, _IN_RUSSIAN = " (in English)", " (по-русски)"


def is_russian(text: str) -> bool:
    """Whether a question is to be answered in Russian.

    What `in_language` added decides, else most letters outside identifiers: "Which attributes does Контрагенты have?"
    is English.
    """
    if text.endswith((_IN_ENGLISH, _IN_RUSSIAN)):
        return text.endswith(_IN_RUSSIAN)
    prose = "".join(word for word in _WORD.findall(text) if "." not in word and not is_compound(word)) or text
    cyrillic, latin = len(_CYRILLIC.findall(prose)), len(_LATIN.findall(prose))
    return cyrillic > 0 and cyrillic >= latin


def in_language(question: str, wish: str) -> str:
    """A question with the language that «а на английском?» asks for; empty if ``wish`` is no such wish."""
    found = _WISH.match(wish)
    return without_language(question) + (_IN_ENGLISH if found["english"] else _IN_RUSSIAN) if found else ""


def told_in(question: str, *, russian: bool) -> str:
    """A question to be answered in a language: as it is, if that is its own."""
    return question if is_russian(question) == russian else question + (_IN_RUSSIAN if russian else _IN_ENGLISH)


def in_language_of(question: str, message: str) -> str:
    """A question put together out of a conversation, to be answered in the language of the newest message.

    A message that is nothing but names tells none.
    """
    said = " ".join(word for word in _WORD.findall(message) if word.islower())
    return told_in(question, russian=is_russian(said)) if said else question


def without_language(question: str) -> str:
    """The question without what `in_language` added."""
    return question.removesuffix(_IN_ENGLISH).removesuffix(_IN_RUSSIAN)
