"""What a question asks for: its terms, the names in it, the kinds of things it is about. Pure functions."""

from __future__ import annotations

import re
from dataclasses import dataclass

from rag_demo.index.analyse import fold, is_compound, terms
from rag_demo.retrieve.kinds import canonical_name, spoken_kinds
from rag_demo.types import DocType

_NAME = re.compile(r"\w+(?:\.\w+)*")
# Words that say what sort of thing is wanted. They choose among the hits; as search terms they mislead, because
# "функция" stands in thousands of comments.
_WANTED: dict[DocType, frozenset[str]] = {
    "method": frozenset(terms("функция процедура метод экспортный программно вызвать function procedure method")),
    "metadata_object": frozenset(
        terms("реквизит измерение ресурс тип поле табличная часть состав движение attribute dimension resource field")
    ),
    "form": frozenset(terms("форма form")),
    "help": frozenset(terms("справка help")),
}
_NOISE = frozenset(terms("функция функцией процедура процедурой метод function procedure method"))


@dataclass(frozen=True, slots=True)
class Query:
    """A question, analysed."""

    text: str
    terms: tuple[str, ...]  # analysed search terms, each once
    names: tuple[str, ...]  # identifiers to look up as written
    kinds: tuple[str, ...]  # English kinds of the objects it is about
    wants: tuple[DocType, ...]  # sorts of documents that answer such questions


def analyse_question(text: str) -> Query:
    """Take a question apart."""
    found = tuple(dict.fromkeys(terms(text)))
    content = tuple(term for term in found if term not in _NOISE)
    return Query(
        text=text,
        # A question of nothing but noise («какие функции есть?») is still searched by what it has.
        terms=content or found,
        names=_names(text),
        kinds=tuple(dict.fromkeys(kind for kind, _ in spoken_kinds(_words(text)))),
        wants=tuple(kind for kind, words in _WANTED.items() if words.intersection(found)),
    )


def _words(text: str) -> list[str]:
    return re.findall(r"\w+", text)


def _names(text: str) -> tuple[str, ...]:
    """Dotted and compound names as they stand, and what follows a kind: «справочник Валюты» → «Catalog.Валюты»."""
    names = [
        canonical_name(name)
        for name in _NAME.findall(text)
        if "." in name or is_compound(name) or "_" in name.strip("_")
    ]
    words = _words(text)
    for kind, after in spoken_kinds(words):
        if after < len(words) and len(words[after]) > 1:
            names.append(f"{kind}.{words[after]}")
    unique = {fold(name): name for name in names}
    return tuple(unique.values())
