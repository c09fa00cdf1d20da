"""What a question asks for: its terms, the names in it, the kinds of things it is about. Pure functions."""

from __future__ import annotations

import re
from dataclasses import dataclass

from rag_demo.index.analyse import fold, is_compound, terms
from rag_demo.retrieve.kinds import canonical_name, spoken_kinds, words
from rag_demo.types import DocType

_NAME = re.compile(r"\w+(?:\.\w+)*")
# Words that say what sort of thing is wanted. They choose among the hits; as search terms they mislead, because
# "функция" stands in thousands of comments.
_WANTED: dict[DocType, frozenset[str]] = {
    "method": frozenset(terms("функция процедура метод экспортный программно вызвать function procedure method")),
    "metadata_object": frozenset(
        terms("реквизит измерение ресурс тип поле табличная состав attribute dimension resource type field")
    ),
    "form": frozenset(terms("форма form")),
    "help": frozenset(terms("справка help")),
    "manual": frozenset(terms("инструкция руководство manual")),
    "specification": frozenset(terms("требование спецификация specification requirement")),
    "release_notes": frozenset(terms("релиз обновление исправлено исправили release")),
    "regulation": frozenset(terms("регламент приказ обязан regulation")),
}
# Endings of verbs. A few nouns share them («печать»), which only makes those weigh a little less.
_VERB = re.compile(r"(?:тся|ться|ется|[аеуюя]ет|[аеуюя]ют|[аеиыя]ть)$")
_LONGEST_NAME = 5  # words of a name that is written in several
_NOISE = frozenset(
    terms("функция процедура метод function procedure method")
    + terms("происходит происходят делает делают работает работают находится хранится называется существует")
)


@dataclass(frozen=True, slots=True)
class Query:
    """A question, analysed."""

    text: str
    terms: tuple[str, ...]  # analysed search terms, each once
    actions: frozenset[str]  # those of them that come from verbs
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
        actions=frozenset(term for word in words(text) if _VERB.search(fold(word)) for term in terms(word)),
        names=_names(text),
        kinds=tuple(dict.fromkeys(kind for kind, _ in spoken_kinds(words(text)))),
        wants=tuple(kind for kind, signs in _WANTED.items() if signs.intersection(found)),
    )


def _names(text: str) -> tuple[str, ...]:
    """Names to look up as written.

    Dotted and compound names, what follows a kind, written in one word or several («справочник Виды цен» →
    «Catalog.ВидыЦен»), and a question that is one word. Other single words are no names: nearly every verb
    is also some method.
    """
    written = words(text)
    names = [name for name in _NAME.findall(text) if "." in name or is_compound(name) or len(written) == 1]
    for kind, after in spoken_kinds(written):
        following = written[after : after + _LONGEST_NAME]
        names += [f"{kind}.{''.join(following[:length])}" for length in range(1, len(following) + 1)]
    unique = {fold(name): name for name in map(canonical_name, names)}
    return tuple(unique.values())
