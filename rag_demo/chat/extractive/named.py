"""Members of an object that a question names: «какого типа реквизит Кратность …». Pure functions."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from rag_demo.chat.vocabulary import root
from rag_demo.index.analyse import fold, is_compound, terms
from rag_demo.index.words import FUNCTION_WORDS
from rag_demo.ingest.facts import MemberFact, MemberKind
from rag_demo.retrieve.kinds import canonical_name, spoken_kinds, words
from rag_demo.retrieve.reading import distance

_ONE = re.compile(
    r"(?:реквизит(?:а|у|ом|е)?|пол(?:е|я|ю|ем)|измерени(?:е|я|ю)|ресурс(?:а|у|ом)?|колонк(?:а|и|у)|граф(?:а|ы|у)"
    r"|attribute|field|dimension|resource|column)",
    re.IGNORECASE,
)
_MANY = re.compile(r"\b(?:какие|каких|какими|все|всех|список|перечисли\w*|list|all|сколько|many)\b", re.IGNORECASE)
_QUOTED = re.compile(r"[«\"'“„](\w+(?:\s+\w+){0,4})[»\"'”“]")
HELD: frozenset[MemberKind] = frozenset(
    {"attribute", "dimension", "resource", "column", "tabular_section_attribute", "standard_attribute", "enum_value"}
)
_LONGEST = 5  # words of a name that is written in several
_SLIPS = 0.34  # of the letters of a name
_MOST_NEAR = 5
_SHORTEST_ROOT = 4


@dataclass(frozen=True, slots=True)
class Named:
    """What a question names of one object. Nothing: it names no member, or we cannot tell."""

    members: tuple[MemberFact, ...] = ()
    missing: str = ""  # as it was asked for, if the object has no such member
    near: tuple[str, ...] = ()  # names of members that are spelt alike or share a word


def named_members(
    question: str, object_name: str, members: Sequence[MemberFact], known: Callable[[str], bool] = lambda _: False
) -> Named:
    """The members that a question names after or before «реквизит», «поле», "attribute" and the like.

    Args:
        question: as asked.
        object_name: of the object, without its kind.
        members: all that it has.
        known: whether members of other objects are called so: then a word is a name in lower case, too.
    """
    held = [member for member in members if member.kind in HELD]
    missing = ""
    for said in _candidates(question):
        for length in range(len(said), 0, -1):
            wanted = fold("".join(said[:length]))
            if found := tuple(member for member in held if wanted in _called(member)):
                return Named(found)
        if not missing and may_be_name(said[0], object_name):
            missing = said[0] if looks_like_name(said[0], question) or known(said[0]) else ""
    return Named((), missing, near(missing, held)) if missing else Named()


def _candidates(question: str) -> Iterable[list[str]]:
    """Words that may be the name of a member, with what follows them."""
    if _MANY.search(question):
        return
    written = words(question)
    for place, word in enumerate(written):
        if not _ONE.fullmatch(word):
            continue
        before = written[place - 1] if place > 1 and word.isascii() else ""
        if before[:1].isupper():
            yield [before]  # "the КПП attribute"
        if following := written[place + 1 : place + 1 + _LONGEST]:
            yield following


def _called(member: MemberFact) -> set[str]:
    return {fold(member.name), fold("".join(words(member.synonym)))} - {""}


def may_be_name(word: str, object_name: str) -> bool:
    """Whether a word is neither the object, in whatever form, nor a kind of objects."""
    if fold(word) in FUNCTION_WORDS or spoken_kinds([word]) or canonical_name(f"{word}.X") != f"{word}.X":
        return False
    return is_compound(word) or _roots(object_name).isdisjoint(_roots(word))


def looks_like_name(word: str, question: str) -> bool:
    """Whether a word is written like a name: with a capital letter, of several words, or in quotation marks."""
    quoted = any(word in found.split() for found in _QUOTED.findall(question))
    return word[:1].isupper() or is_compound(word) or quoted


def near(word: str, members: Iterable[MemberFact]) -> tuple[str, ...]:
    """Names of members that are spelt like a word or share one with it, the most alike first."""
    sought = {term for term in _roots(word) if len(term) >= _SHORTEST_ROOT}

    def farness(name: str) -> float:
        return distance(fold(word), fold(name)) / max(len(word), len(name))

    def alike(name: str) -> bool:
        return farness(name) <= _SLIPS or not sought.isdisjoint(_roots(name))

    names = dict.fromkeys(member.name for member in members if member.kind in HELD)
    return tuple(sorted(filter(alike, names), key=farness)[:_MOST_NEAR])


def _roots(name: str) -> set[str]:
    return {root(term) for term in terms(name) if not term.startswith("#")}
