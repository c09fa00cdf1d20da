"""An answer without a language model: what was found, in its own words, and where it stands."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from rag_demo.chat.asked import ALL_EVENTS, Asked
from rag_demo.chat.evidence import coverage
from rag_demo.chat.extractive import related
from rag_demo.chat.extractive.about import TOLD, About, Composed
from rag_demo.chat.extractive.assembling import cited, joined, numbers_of, object_line, with_documents
from rag_demo.chat.extractive.chains import Step, movements, steps, tell
from rag_demo.chat.extractive.having import what_it_has
from rag_demo.chat.extractive.methods import tell_methods
from rag_demo.chat.extractive.overview import holders, is_all_that_is_asked, overview
from rag_demo.chat.extractive.phrases import RUSSIAN, phrases_for
from rag_demo.chat.extractive.telling import tell_code, tell_source
from rag_demo.chat.extractive.usage import usage
from rag_demo.chat.ports import Knowledge, Library, Mentions, Nothing
from rag_demo.chat.shortened import shortened
from rag_demo.index.analyse import fold, split_identifier
from rag_demo.index.catalogue_reader import Listed
from rag_demo.index.passages import first_sentence
from rag_demo.ingest.facts import MethodFact
from rag_demo.ingest.kinds import KIND_BY_NAME
from rag_demo.types import Document, Source

# A source is told beside the best one only if it covers nearly as much of the question.
_NEAR_BEST = 0.8
_MOST_LISTED = 100
_LONGEST_NEAREST = 120
_POSTING = "ОбработкаПроведения"
# Besides a name, and what asks what something is.
_WHAT_A_MODULE_DOES = "модуль делает умеет предлагает содержит module does offer provide contain"


def compose(
    question: str,
    sources: Sequence[Source],
    weights: Mapping[str, float],
    *,
    knowledge: Knowledge | None = None,
    library: Library | None = None,
    mentions: Mentions | None = None,
) -> Composed:
    """A short text in the language of the question that quotes the sources word for word and cites them.

    A question for what an object has gets tables, one for what it is linked with lists, one for what happens on an
    event the chain of handlers; otherwise the best source is told in full and those that say as much in brief.

    Args:
        question: as asked.
        sources: at least one, best first.
        weights: of the question's terms; they choose the lines that are quoted.
        knowledge: the facts of the searched spaces.
        library: their documents by name.
        mentions: their documents by what they mention.
    """
    nothing = Nothing()
    about = About(question, sources, weights, knowledge or nothing, library or nothing, mentions or nothing)
    return next(filter(None, (way(about) for way in _WAYS)))


def enumerate_objects(question: str, listed: Sequence[Listed], sources: Sequence[Source]) -> str:
    """A list of objects; those among the sources are cited."""
    phrases = phrases_for(question)
    number = {(source.hit.document.space_id, source.hit.document.doc_id): f" [{source.n}]" for source in sources}
    lines = [
        f"  • {' — '.join(filter(None, (entry.full_name, entry.synonym)))}{number.get(entry.key, '')}"
        for entry in listed[:_MOST_LISTED]
    ]
    if len(listed) > _MOST_LISTED:
        lines.append(phrases.more.format(len(listed) - _MOST_LISTED))
    return "\n".join([phrases.listed.format(len(listed)), *lines])


def none_of_kind(question: str, kind: str) -> str:
    """The answer where a list is asked for of objects that there are none of; ``kind`` is English."""
    phrases, known = phrases_for(question), KIND_BY_NAME[kind]
    plural = known.ru_plural if phrases is RUSSIAN else " ".join(split_identifier(known.folder)).lower()
    return phrases.none.format(plural)


def refuse(question: str, documents: Sequence[Document]) -> str:
    """The answer where nothing speaks of what is asked."""
    return "\n\n".join(filter(None, (phrases_for(question).nothing, nearest(question, documents))))


def nearest(question: str, documents: Sequence[Document]) -> str:
    """What comes nearest, for an answer that is none: a name with what it is a line; empty if there is nothing."""
    told = {document.full_name: document for document in reversed(documents)}
    lines = [f"  • {_in_short(told[name])}" for name in dict.fromkeys(document.full_name for document in documents)]
    return "\n".join([phrases_for(question).nearest, *lines]) if lines else ""


def _in_short(document: Document) -> str:
    said = document.synonym if document.doc_type != "method" else first_sentence(document.doc)
    return " — ".join(filter(None, (document.full_name, shortened(said, _LONGEST_NEAREST))))


def _linked(about: About) -> Composed | None:
    """What an object is linked with, as a list."""
    relations = about.asked.relations if about.asked.relations != "used" else None
    for name in about.meant() if relations else ():
        if relations and (names := related.related(name, relations, about.knowledge)):
            sources = about.with_names([name, *names])
            numbers = numbers_of(sources)
            blocks = [
                object_line(name, about.knowledge, numbers),
                _summed_up(about, name) if relations == "rights" else "",
                related.tell(name, names, relations, numbers, about.knowledge, about.phrases),
            ]
            return about.composed(blocks, sources, {name, *names})
    return None


def _summed_up(about: About, role: str) -> str:
    """What the description of a role says of all its rights together."""
    document = about.library.named(role)
    return "\n".join(
        f"  • {line}" for line in (document.body if document else "").split("\n") if line.startswith("Права")
    )


def _code(about: About) -> Composed | None:
    """The text of the method that is named, or else of the one that was found first."""
    document = next(iter(about.methods_named()), about.sources[0].hit.document)
    if not about.asked.code or document.doc_type != "method":
        return None
    whole = about.library.named(document.full_name, space_id=document.space_id) or document
    told = next(source for source in about.sources if source.hit.document is document)
    told = replace(told, hit=replace(told.hit, document=whole))
    sources = tuple(told if source.n == told.n else source for source in about.sources)
    blocks = list(tell_code(told, about.phrases, about.knowledge))
    return about.composed(blocks, sources, {document.full_name})


def _methods(about: About) -> Composed | None:
    """The methods of a module that the question names."""
    asked = about.asked
    for name in about.meant() if asked.methods else ():
        module = f"{name}.{asked.module}" if asked.module else name
        if every := about.knowledge.methods(module):
            wanted = [method for method in every if _is_wanted(method, asked)]
            return _listed(about, name, module, wanted, exported=asked.exported)
    return None


def _is_wanted(method: MethodFact, asked: Asked) -> bool:
    left_out = asked.unexported if method.export else asked.exported
    return not left_out and (method.deprecated or not asked.deprecated)


def _offers(about: About) -> Composed | None:
    """Of a common module that is asked for by its name, what it offers: its description has little else to say."""
    document = about.sources[0].hit.document
    name = document.full_name
    if fold(document.name) not in about.said or about.asked.relations is not None:
        return None
    if (document.doc_type, document.object_kind) != ("metadata_object", "CommonModule"):
        return None
    if not is_all_that_is_asked(about, f"{name} {document.synonym} {_WHAT_A_MODULE_DOES}"):
        return None
    found = about.knowledge.methods(name, export_only=True)
    return _listed(about, name, name, found, exported=True) if found else None


def _listed(about: About, name: str, module: str, found: Sequence[MethodFact], *, exported: bool) -> Composed:
    names = [name, *(method.full_name for method in found)]
    sources = about.with_names(names)
    asked, phrases = about.asked, about.phrases
    said = (
        (phrases.methods_deprecated, asked.deprecated),
        (phrases.methods_exported, exported),
        (phrases.methods_unexported, asked.unexported),
        (phrases.methods, True),
    )
    sort = " ".join(word for word, is_said in said if is_said)
    return about.composed([tell_methods(module, sort, found, numbers_of(sources), phrases)], sources, set(names))


def _happens(about: About) -> Composed | None:
    """What happens on an event, step by step."""
    name, asked, knowledge = about.objects[0], about.asked, about.knowledge
    chain = steps(name, asked, knowledge) if asked.events else []
    if not chain:
        return None
    used = [name, *(step.method.full_name for step in chain)]
    sources = with_documents(about.sources, [about.library.named(one) for one in dict.fromkeys(used)])
    blocks = _chain(about, name, chain, numbers_of(sources))
    return about.composed(blocks, sources, set(used))


def _chain(about: About, name: str, chain: Sequence[Step], numbers: dict[str, int]) -> list[str]:
    title = about.phrases.handlers if about.asked.events == ALL_EVENTS else ""
    moved = movements(name, about.knowledge, about.phrases) if _POSTING in about.asked.events else ""
    return [
        object_line(name, about.knowledge, numbers),
        tell(list(chain), numbers, about.knowledge, about.library, about.phrases, title=title),
        moved + cited(name, numbers) if moved else "",
    ]


def _quotations(about: About) -> Composed:
    """What the sources say, the best one in full."""
    sources, weights = tuple(about.sources), about.weights
    blocks, others = [about.phrases.found], []
    name = next(about.meant(), "")
    if card := overview(about, name) if name else "":
        sources = about.with_names([name])
        blocks += [object_line(name, about.knowledge, numbers_of(sources)), card]
    for source in sources:
        told = source in sources[:TOLD] and _speaks_as_well(source, sources[0], weights)
        in_full = source is sources[0]
        said = list(tell_source(source, about.phrases, weights, about.knowledge, in_full=in_full)) if told else []
        if len(said) > 1 or (in_full and not card):  # more than its name
            blocks += said
        elif not card or source.hit.document.full_name != name:
            others.append(source)
    return Composed(joined(blocks, others, about.phrases), sources)


def _speaks_as_well(source: Source, best: Source, weights: Mapping[str, float]) -> bool:
    """Whether a source says as much on the question as the best one; what is named outdoes what is only similar."""
    if source is best:
        return True
    if "exact" in best.hit.legs and "exact" not in source.hit.legs:
        return False
    return coverage(source.hit.document, weights) >= _NEAR_BEST * coverage(best.hit.document, weights)


# The first that has something to tell.
_WAYS = (usage, _linked, holders, _code, _methods, _happens, what_it_has, _offers, _quotations)
