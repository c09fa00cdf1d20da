"""An object that is asked for by its name alone: what it consists of in short; and objects by what they have."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator, Sequence

from rag_demo.chat.asked import object_kinds
from rag_demo.chat.extractive.about import About, Composed
from rag_demo.chat.extractive.assembling import cited, numbers_of
from rag_demo.chat.extractive.named import HELD
from rag_demo.chat.extractive.related import related
from rag_demo.index.analyse import terms
from rag_demo.ingest.facts import MemberFact, MemberKind
from rag_demo.retrieve.kinds import spoken_kinds, words

_HOLDERS = re.compile(
    r"\b(?:в|у|for|in|of)?\s*(?:как(?:их|ие|ом|ой|ого)|which|what)\s+(\w+)\b.{0,200}?"
    r"\b(?:реквизит|пол[еяю]|измерени|ресурс|колонк|attribute|field|dimension|resource|column)\w*"
    r"\s+[«\"']?([^\W\d_]\w*)",
    re.IGNORECASE,
)
# A question of nothing but these and a name asks what it is.
_WHAT_IT_IS = """
    регистр хранится хранит нужен нужна служит назначение предназначен описание такое расскажи опиши информация объект
    about store purpose used describe description information object register
"""
_SHOWN: tuple[MemberKind, ...] = (
    "dimension",
    "resource",
    "attribute",
    "enum_value",
    "predefined",
    "column",
    "form",
    "command",
)
_MOST_SHOWN = 30
_MOST_PROPERTIES = 8
_MOST_FOUND = 500
_MOST_LISTED = 100
_DULL = ("Представление", "Стандартный реквизит", "Расширенное представление")


def holders(about: About) -> Composed | None:
    """The objects that have a member of some name: «у каких справочников есть реквизит ИНН»."""
    found = _HOLDERS.search(about.question)
    kinds = object_kinds(found[1]) if found else None
    if found is None or kinds is None or about.asked.lacking:
        return None
    called = about.knowledge.find(found[2], limit=_MOST_FOUND)
    members = (fact for fact in called if isinstance(fact, MemberFact) and fact.kind in HELD)
    facts = [fact for fact in members if fact.owner.split(".")[0] in kinds]
    if not facts:
        return None
    owners = list(dict.fromkeys(fact.owner for fact in facts))
    sources = about.with_names(owners)
    numbers = numbers_of(sources)
    number = len(owners) if len(called) < _MOST_FOUND else about.phrases.at_least.format(len(owners))
    lines = [about.phrases.holders.format(facts[0].name, number)]
    lines += [f"  • {_held(fact)}{cited(fact.owner, numbers)}" for fact in facts[:_MOST_LISTED]]
    if len(facts) > _MOST_LISTED:
        lines.append(about.phrases.more.format(len(facts) - _MOST_LISTED))
    return about.composed(["\n".join(lines)], sources, set(owners))


def _held(fact: MemberFact) -> str:
    name = f"{fact.name} ({fact.parent})" if fact.parent else fact.name
    return ": ".join(filter(None, (f"{fact.owner} — {name}", fact.types)))


def overview(about: About, name: str) -> str:
    """What an object consists of in short; nothing if more than that is asked for."""
    fact = about.knowledge.object(name)
    if fact is None or not is_all_that_is_asked(about, f"{name} {fact.synonym}"):
        return ""
    phrases, members = about.phrases, about.knowledge.members(name)
    lines = [said for said in fact.properties if not said.startswith(_DULL)][:_MOST_PROPERTIES]
    for kind in _SHOWN:
        title = phrases.values if kind == "enum_value" else phrases.columns[kind]
        lines += _line(title, [member.name for member in members if member.kind == kind])
    sections = dict.fromkeys(member.name for member in members if member.kind == "tabular_section")
    lines += _line(phrases.sections, list(sections))
    for relations in ("movements", "movers", "subsystems"):
        names = related(name, relations, about.knowledge)
        lines += _line(phrases.related[relations].format(len(names)) + " —", names)
    return "\n".join(f"  • {line}" for line in lines)


@functools.cache
def _what_it_is() -> frozenset[str]:
    """Made on first use, because stems take a dictionary."""
    return frozenset(terms(_WHAT_IT_IS))


def is_all_that_is_asked(about: About, called: str) -> bool:
    """Whether a question has nothing but what an object is called, its kind, and words that ask what it is."""
    written = words(about.question)
    kinds = {term for spoken in spoken_kinds(written) for term in terms(" ".join(written[spoken.start : spoken.end]))}
    return set(about.weights) <= set(terms(called)) | kinds | _what_it_is()


def _line(title: str, names: Sequence[str]) -> Iterator[str]:
    if names:
        more = f" … {len(names) - _MOST_SHOWN}" if len(names) > _MOST_SHOWN else ""
        yield f"{title} {', '.join(names[:_MOST_SHOWN])}{more}"
