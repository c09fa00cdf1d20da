"""What an object consists of: tables of it, of the members that a question names, or that it has none called so."""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence

from rag_demo.chat.evidence import by_root
from rag_demo.chat.extractive.about import About, Composed
from rag_demo.chat.extractive.assembling import cited, numbers_of, object_line
from rag_demo.chat.extractive.named import HELD, Named, looks_like_name, may_be_name, named_members, near
from rag_demo.chat.extractive.platform import PLATFORM_NAMES
from rag_demo.chat.extractive.tables import Table, tables, tables_of
from rag_demo.chat.extractive.telling import headline
from rag_demo.chat.ports import Library
from rag_demo.chat.vocabulary import root
from rag_demo.index.analyse import fold, is_compound, terms
from rag_demo.ingest.facts import MemberFact, MemberKind
from rag_demo.ingest.kinds import KINDS
from rag_demo.retrieve.kinds import spoken_kinds, words
from rag_demo.types import Hit, Source

# What an object has, not what does something to it: «Какая команда печатает счёт?» asks for no list.
_WHICH = re.compile(
    r"\s*(?:как(?:ие|ая|ой|ое)|есть\s+ли|сколько|перечисли|which|what|are\s+there|list|how\s+many)\b"
    r".*(?:\bу\s|\bесть\b|\bof\s|\bhave\b|\bhas\b)",
    re.IGNORECASE,
)
_SAID: tuple[MemberKind, ...] = (
    "attribute",
    "dimension",
    "resource",
    "tabular_section",
    "predefined",
    "form",
    "command",
    "template",
)
_DOTTED = re.compile(r"(?<!\w)[^\W\d]\w*(?:\.\w+)+")
_MOST_NAMESAKES = 5
_IN_THE_TABLE = "Стандартный реквизит"


def what_it_has(about: About) -> Composed | None:
    """Tables for a question that asks for members of an object; None for others and where there are none."""
    meant = set(about.meant())
    dotted = _DOTTED.findall(about.question)
    outright = _outright(about)
    for name in ([outright] if outright else about.objects) if about.asked.members or dotted else ():
        members = about.knowledge.members(name)
        named = (_by_dots(about, name, dotted) or _named(about, name, members)) if name in meant else Named()
        said = _missing_section(about, members) if name in meant else ""
        section = said if looks_like_name(said, about.question) and may_be_name(said, name.partition(".")[2]) else ""
        asked = tables_of(named.members, about.phrases) or tables(members, about.asked, about.phrases)
        missing = named.missing or section
        instead = _in_sections(members) if said else _own(members) if missing else []
        if found := asked or tables_of(instead, about.phrases):
            above = [_lacks(about, name, missing, named.near), _counted(about, found)]
            return _tabular(about, name, [*above, *_properties(about, name, named.members)], found)
    return _none_of_these(about, outright)


def _outright(about: About) -> str:
    """The object that a question names by its kind and all of its name, or in one word of several parts."""
    written = words(about.question)
    kinds = {spoken.kind for spoken in spoken_kinds(written)}
    compounds = {fold(word) for word in written if is_compound(word)}
    said = by_root(about.weights)

    def is_named(name: str) -> bool:
        kind, _, own = name.partition(".")
        by_kind = kind in kinds and all(root(term) in said for term in terms(own) if not term.startswith("#"))
        return by_kind or fold(own) in compounds

    return next(filter(is_named, about.objects), "")


def _none_of_these(about: About, outright: str) -> Composed | None:
    """That the object which is named has no members of the sort that is asked for."""
    name = outright or next(about.meant(), "")
    first = name in {outright, about.objects[0]}
    fact = about.knowledge.object(name) if name and first and _WHICH.match(about.question) else None
    titles = _titles(about)
    if fact is None or not titles:
        return None
    sources = about.with_names([name])
    numbers = numbers_of(sources)
    lacks = about.phrases.lacks.format(name, ", ".join(titles).lower())
    return about.composed([object_line(name, about.knowledge, numbers), lacks], sources, {name})


def _titles(about: About) -> list[str]:
    """Of the sorts that are asked for; «реквизиты» stands for dimensions and resources, too."""
    asked = [kind for kind in about.asked.members if kind in _SAID]
    kinds = [kind for kind in asked if "attribute" not in asked or kind not in {"dimension", "resource"}]
    phrases = about.phrases
    return [(phrases.sections if kind == "tabular_section" else phrases.columns[kind]).rstrip(":") for kind in kinds]


def _by_dots(about: About, name: str, dotted: Sequence[str]) -> Named | None:
    """The member that is asked for as code writes it: «Справочник.Контрагенты.КПП»."""
    for said in dotted:
        owner, _, last = said.rpartition(".")
        members = [fact for fact in about.knowledge.find(said) if isinstance(fact, MemberFact) and fact.owner == name]
        if members:
            return Named(tuple(members))
        of_it = about.knowledge.object(owner)
        in_metadata = fold(said.partition(".")[0]) in _metadata_words() and fold(last) not in PLATFORM_NAMES
        if in_metadata and of_it is not None and of_it.full_name == name and not about.knowledge.exists(said):
            return Named((), last, near(last, about.knowledge.members(name)))
    return None


@functools.cache
def _metadata_words() -> frozenset[str]:
    """«Справочник», not «Справочники»: what stands behind the plural in code may be a method of the platform."""
    return frozenset(fold(word) for kind in KINDS for word in (kind.word, kind.name))


def _counted(about: About, found: Sequence[Table]) -> str:
    """How many there are of each sort, for whoever asked that; of tabular sections, not how long they are."""
    if not about.asked.number:
        return ""
    if "tabular_section" in about.asked.members:
        return f"{about.phrases.sections} {len(found)}"
    return "\n".join(f"{table.title} {table.rows}" for table in found)


def _named(about: About, name: str, members: Sequence[MemberFact]) -> Named:
    def known(word: str) -> bool:
        return any(isinstance(fact, MemberFact) and fact.kind in HELD for fact in about.knowledge.find(word))

    held = _of_section(about.asked.section, members)
    return named_members(about.question, name.partition(".")[2], held, known)


def _of_section(section: str, members: Sequence[MemberFact]) -> Sequence[MemberFact]:
    """Of an object that has the section that is named, only that."""
    return [member for member in members if section and fold(member.parent) == section] or members


def _in_sections(members: Sequence[MemberFact]) -> list[MemberFact]:
    return [member for member in members if member.kind == "tabular_section_attribute"]


def _own(members: Sequence[MemberFact]) -> list[MemberFact]:
    return [member for member in members if member.kind in HELD and member.kind != "standard_attribute"]


def _missing_section(about: About, members: Sequence[MemberFact]) -> str:
    """What a question has for the name of a tabular section and the object does not; «ТЧ заказа» names none."""
    section = about.asked.section
    parents = {fold(member.parent) for member in _in_sections(members)}
    known = any(parent.startswith(section) for parent in parents)
    if not section or known:
        return ""
    return next((word for word in words(about.question) if fold(word) == section), section)


def _lacks(about: About, name: str, missing: str, near: Sequence[str]) -> str:
    """Sentences for an object that has no member of the name that was asked for."""
    if not missing:
        return ""
    phrases = about.phrases
    namesakes = [fact.full_name for fact in about.knowledge.find(missing) if isinstance(fact, MemberFact)]
    said = [phrases.missing.format(name, missing)]
    said += [f"{phrases.near} {', '.join(near)}."] if near else []
    said += [f"{phrases.elsewhere} {', '.join(namesakes[:_MOST_NAMESAKES])}."] if namesakes else []
    return " ".join(said)


def _properties(about: About, name: str, members: Sequence[MemberFact]) -> list[str]:
    """Of standard attributes, what the object says of them: «Длина кода: 3»; their types stand nowhere."""
    standard = {root(term) for one in members if one.kind == "standard_attribute" for term in terms(one.name)}
    fact = about.knowledge.object(name) if standard else None
    if fact is None:
        return []
    own = (one for one in fact.properties if not one.startswith(_IN_THE_TABLE))
    labels = ((one, {root(term) for term in terms(one.partition(":")[0])}) for one in own)
    said = [f"  • {one}" for one, label in labels if standard & label]
    return ["\n".join(said)] if said else []


def _tabular(about: About, name: str, above: Sequence[str], found: Sequence[Table]) -> Composed:
    sources = tuple(about.sources)
    blocks = list(above)
    for table in found:
        sources, n = _covering(table, name, sources, about.library)
        blocks.append(f"{table.text}\n    [{n}] {table.path}:{table.line_start}-{table.line_end}" if n else table.text)
    shown = next((source.hit.document for source in sources if source.hit.document.full_name == name), None)
    title = (headline(shown, about.phrases, None) if shown else name) + cited(name, numbers_of(sources))
    return about.composed([title, *blocks], sources, {name})


def _covering(
    table: Table, about: str, sources: tuple[Source, ...], library: Library
) -> tuple[tuple[Source, ...], int | None]:
    """The number of a source that holds the lines of a table; it is added where none of them does."""
    whole = library.named(about, line=table.line_start)
    added = (Source(len(sources) + 1, Hit(whole, 0.0)),) if whole else ()
    for source in (*sources, *added):
        document = source.hit.document
        if (
            document.path == table.path
            and document.line_start <= table.line_start <= table.line_end <= document.line_end
        ):
            return (sources if source.n <= len(sources) else (*sources, source)), source.n
    return sources, None
