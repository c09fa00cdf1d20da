"""What a question asks for: its terms, the names in it, the kinds of things it is about. Pure functions."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from rag_demo.index.analyse import fold, is_compound, stem, terms
from rag_demo.index.nouns import dictionary_form
from rag_demo.ingest.kinds import KIND_BY_NAME
from rag_demo.retrieve.kinds import Spoken, canonical_name, spoken_kinds, words
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
# What an object consists of and is linked with. With its name beside, such a word asks for its description, unless
# the question begins by asking for a place, a way or another sort of document.
_FACTS = _WANTED["metadata_object"] | frozenset(
    terms("движение обработчик графа признак субконто предопределенный владелец значение перечисления расписание")
    + terms("movement handler column predefined owner value schedule")
)
_OTHER_SORTS = frozenset(sign for kind, signs in _WANTED.items() if kind != "metadata_object" for sign in signs)
_OTHERWISE = frozenset(("где", "как", "когда", "куда", "откуда", "почему", "зачем", "where", "how", "when", "why"))
# Endings of verbs. A few nouns share them («печать»), which only makes those weigh a little less.
_VERB = re.compile(r"(?:тся|ться|ется|[аеуюя]ет|[аеуюя]ют|[аеиыя]ть)$")
_CYRILLIC = re.compile(r"[А-Яа-яЁё]")
# What objects are described with. Their description is in Russian, whatever language the configuration is written in.
_RUSSIAN_FOR = {
    stem(english): russian
    for english, russian in {
        "attribute": "реквизит",
        "dimension": "измерение",
        "resource": "ресурс",
        "value": "значение",
        "function": "функция",
        "procedure": "процедура",
        "method": "метод",
    }.items()
}
# Beside the name of a kind these ask for nothing but the objects of that kind.
_LIST_WORDS = frozenset(
    terms("список перечень перечисли перечислить выведи вывести назови имеется имеются существует существуют")
    + terms("входит входят содержит содержатся дай")
    + terms("количество конфигурация система программа база")
    + terms("list all give name enumerate count number many exist available present defined")
    + terms("configuration system application")
)
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
    listed: str = ""  # English kind whose objects it wants to see listed
    others: tuple[tuple[str, str], ...] = ()  # words of it, each with another for the same
    related: tuple[str, ...] = ()  # terms of those and of the verbs and nouns that go with its words
    asks_facts: bool = False  # what an object consists of, or is linked with


def analyse_question(text: str, frequency: Callable[[str], int] = lambda _: 0) -> Query:
    """Take a question apart.

    Args:
        text: as asked.
        frequency: of a stem in the index. Where English words of the question stand there more often than what they
            are called in Russian, they stay.
    """
    written = words(unicodedata.normalize("NFC", text))
    kinds = spoken_kinds(written)
    found = tuple(dict.fromkeys(_terms(text, written, kinds, frequency)))
    content = tuple(term for term in found if term not in _NOISE)
    asks_facts = _asks_facts(written, found)
    named = _names(text, written, kinds)
    return Query(
        text=text,
        # A question of nothing but noise («какие функции есть?») is still searched by what it has.
        terms=content or found,
        actions=frozenset(term for word in words(text) if _VERB.search(fold(word)) for term in terms(word)),
        names=tuple(dict.fromkeys((*named, *_owners(named)))) if asks_facts else named,
        kinds=tuple(dict.fromkeys(spoken.kind for spoken in kinds)),
        wants=tuple(kind for kind, signs in _WANTED.items() if signs.intersection(found)),
        listed=_listed(written, kinds),
        asks_facts=asks_facts,
    )


def _terms(text: str, written: list[str], kinds: list[Spoken], frequency: Callable[[str], int]) -> list[str]:
    """Terms of the question; what it says in English of a Russian configuration counts as said in Russian."""
    if not kinds and not _CYRILLIC.search(text):
        return terms(text)

    def often(said: Sequence[str]) -> int:
        return sum(frequency(term) for term in terms(" ".join(said)))

    asked = list(written)
    for place, word in enumerate(written):
        russian = _RUSSIAN_FOR.get(stem(fold(word)))
        if russian and often([russian]) >= often([word]):
            asked[place] = russian
    if asked != written or _CYRILLIC.search(text):
        for spoken in reversed(kinds):
            said, russian = written[spoken.start : spoken.end], KIND_BY_NAME[spoken.kind].ru
            if not _CYRILLIC.search("".join(said)) and often([russian]) >= often(said):
                asked[spoken.start : spoken.end] = words(russian)
    return terms(text) if asked == written else terms(" ".join(asked))


def _asks_facts(written: Sequence[str], found: Sequence[str]) -> bool:
    if not found or _FACTS.isdisjoint(found):
        return False
    first = fold(written[0])
    # «Получить значение реквизита …» asks for a method.
    return not (found[0] in _OTHER_SORTS or first in _OTHERWISE or dictionary_form(first) == (first, "verb"))


def _listed(written: list[str], kinds: list[Spoken]) -> str:
    """The kind of «Какие роли есть?»: one in the plural, or with a word for a list, and nothing else."""
    if len(kinds) != 1:
        return ""
    (spoken,) = kinds
    named = fold("".join(written[spoken.start : spoken.end]))
    others = frozenset(terms(" ".join(written[: spoken.start] + written[spoken.end :])))
    one = {fold("".join(words(KIND_BY_NAME[spoken.kind].ru))), fold(spoken.kind)}
    return spoken.kind if others <= _LIST_WORDS and (others or named not in one) else ""


def _names(text: str, written: list[str], kinds: list[Spoken]) -> tuple[str, ...]:
    """Names to look up as written.

    Dotted and compound names, what follows a kind, written in one word or several («справочник Виды цен» →
    «Catalog.ВидыЦен»), and a question that is one word. Other single words are no names: nearly every verb
    is also some method.
    """
    names = [name for name in _NAME.findall(text) if "." in name or is_compound(name) or len(written) == 1]
    for spoken in kinds:
        following = written[spoken.end : spoken.end + _LONGEST_NAME]
        names += [f"{spoken.kind}.{''.join(following[:length])}" for length in range(1, len(following) + 1)]
        before = written[spoken.start - 1] if spoken.start else ""
        if _CYRILLIC.search(before) and not _CYRILLIC.search(written[spoken.start]):
            names.append(f"{spoken.kind}.{before}")  # "the Контрагенты catalog"
    unique = {fold(name): name for name in map(canonical_name, names)}
    return tuple(unique.values())


def _owners(names: Iterable[str]) -> Iterator[str]:
    """Objects whose members are named: of «Справочник.Валюты.Код» the catalogue."""
    for name in names:
        kind, *rest = name.split(".")
        if kind in KIND_BY_NAME and len(rest) > 1:
            yield f"{kind}.{rest[0]}"
