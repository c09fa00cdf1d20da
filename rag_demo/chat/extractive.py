"""An answer without a language model: what was found, in its own words, and where it stands."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from rag_demo.chat import related
from rag_demo.chat.asked import ALL_EVENTS, Asked, Relations, what_is_asked
from rag_demo.chat.cards import card, description
from rag_demo.chat.chains import Step, extensions, movements, steps, tell
from rag_demo.chat.evidence import coverage
from rag_demo.chat.phrases import Phrases, phrases_for
from rag_demo.chat.ports import Knowledge, Library, Nothing
from rag_demo.chat.quotes import Quote, decisive, declaration
from rag_demo.chat.tables import Table, tables
from rag_demo.index.analyse import terms
from rag_demo.index.catalogue_reader import Listed
from rag_demo.index.passages import first_sentence
from rag_demo.ingest.facts import MethodFact
from rag_demo.types import Document, Hit, Source

_QUOTED_LINES = 4
_TOLD = 3  # sources that the text speaks of; the others are named in one line
# A source is told beside the best one only if it covers nearly as much of the question.
_NEAR_BEST = 0.8
_LONGEST_DOC = 300
_MOST_FACTS = 30
_MOST_LISTED = 100


@dataclass(frozen=True, slots=True)
class Composed:
    """An answer and what it rests on: the sources that were given, and those that were looked up for it."""

    text: str
    sources: tuple[Source, ...]


def compose(
    question: str,
    sources: Sequence[Source],
    weights: Mapping[str, float],
    *,
    knowledge: Knowledge | None = None,
    library: Library | None = None,
) -> Composed:
    """A short text in the language of the question that quotes the sources word for word and cites them.

    A question for what an object has gets tables, one for what happens on an event the chain of handlers; otherwise
    the best source is told in full and those that say as much in brief.

    Args:
        question: as asked.
        sources: at least one, best first.
        weights: of the question's terms; they choose the lines that are quoted.
        knowledge: the facts of the searched spaces.
        library: their documents by name.
    """
    knowledge, library = knowledge or Nothing(), library or Nothing()
    asked, phrases = what_is_asked(question), phrases_for(question)
    best, objects = _object_of(sources[0]), dict.fromkeys(map(_object_of, sources[:_TOLD]))
    if asked.relations:
        for about in objects:
            is_meant = related.is_meant(about.partition(".")[2], weights)
            if is_meant and (names := related.related(about, asked.relations, knowledge)):
                return _related(about, names, asked.relations, sources, phrases, knowledge, library)
    if asked.events and (chain := steps(best, asked, knowledge)):
        return _what_happens(best, chain, asked, sources, phrases, knowledge, library)
    for about in objects if asked.members else ():
        if found := tables(about, asked, knowledge, phrases):
            return _what_it_has(about, found, sources, phrases, library)
    told = [source for source in sources[:_TOLD] if _speaks_as_well(source, sources[0], weights)]
    blocks = [phrases.found]
    for source in told:
        blocks += _tell(source, phrases, weights, knowledge, in_full=source is told[0])
    return Composed(_joined(blocks, [source for source in sources if source not in told], phrases), tuple(sources))


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


def refuse(question: str, documents: Sequence[Document]) -> str:
    """The answer where nothing speaks of what is asked."""
    return " ".join(filter(None, (phrases_for(question).nothing, nearest(question, documents))))


def nearest(question: str, documents: Sequence[Document]) -> str:
    """A sentence that names what comes nearest, for an answer that is none; empty if there is nothing."""
    names = list(dict.fromkeys(document.full_name for document in documents))
    return f"{phrases_for(question).nearest} {', '.join(names)}." if names else ""


def _what_happens(  # noqa: PLR0917  # what the caller has, handed on
    about: str,
    chain: Sequence[Step],
    asked: Asked,
    sources: Sequence[Source],
    phrases: Phrases,
    knowledge: Knowledge,
    library: Library,
) -> Composed:
    named = [library.named(name) for name in dict.fromkeys([about, *(step.method.full_name for step in chain)])]
    complete = _with(sources, [document for document in named if document is not None])
    numbers = _numbers(complete)
    every = asked.events == ALL_EVENTS
    moved = "" if every else movements(about, knowledge, phrases)
    blocks = [
        _object_line(about, knowledge, numbers),
        tell(list(chain), numbers, knowledge, library, phrases, title=phrases.handlers if every else ""),
        *([moved + _cited(about, numbers)] if moved else []),
    ]
    used = {about, *(step.method.full_name for step in chain)}
    others = [source for source in complete if source.hit.document.full_name not in used]
    return Composed(_joined(blocks, others, phrases), complete)


def _related(  # noqa: PLR0917  # what the caller has, handed on
    about: str,
    names: list[str],
    relations: Relations,
    sources: Sequence[Source],
    phrases: Phrases,
    knowledge: Knowledge,
    library: Library,
) -> Composed:
    named = [library.named(name) for name in (about, *names[:_MOST_FACTS])]
    complete = _with(sources, [document for document in named if document is not None])
    numbers = _numbers(complete)
    blocks = [_object_line(about, knowledge, numbers), related.tell(names, relations, numbers, knowledge, phrases)]
    others = [source for source in complete if source.hit.document.full_name not in {about, *names}]
    return Composed(_joined(blocks, others, phrases), complete)


def _what_it_has(
    about: str, found: Sequence[Table], sources: Sequence[Source], phrases: Phrases, library: Library
) -> Composed:
    complete = tuple(sources)
    blocks = []
    for table in found:
        complete, n = _covering(table, about, complete, library)
        blocks.append(f"{table.text}\n    [{n}] {table.path}:{table.line_start}-{table.line_end}" if n else table.text)
    numbers = _numbers(complete)
    shown = next((source.hit.document for source in complete if source.hit.document.full_name == about), None)
    title = (_headline(shown, phrases, None) if shown else about) + _cited(about, numbers)
    others = [source for source in complete if source.hit.document.full_name != about]
    return Composed(_joined([title, *blocks], others, phrases), complete)


def _covering(
    table: Table, about: str, sources: tuple[Source, ...], library: Library
) -> tuple[tuple[Source, ...], int | None]:
    """The number of a source that holds the lines of a table; it is added where none of them does."""
    whole = library.named(about)
    added = (Source(len(sources) + 1, Hit(whole, 0.0)),) if whole else ()
    for source in (*sources, *added):
        document = source.hit.document
        if (
            document.path == table.path
            and document.line_start <= table.line_start <= table.line_end <= document.line_end
        ):
            return (sources if source.n <= len(sources) else (*sources, source)), source.n
    return sources, None


def _object_of(source: Source) -> str:
    return f"{source.hit.document.object_kind}.{source.hit.document.object_name}"


def _with(sources: Sequence[Source], documents: Sequence[Document]) -> tuple[Source, ...]:
    """The sources with further documents behind them; none twice, but a help page does not stand for its object."""
    hits = [source.hit.document for source in sources]
    known = {(document.space_id, document.full_name) for document in hits if document.doc_type != "help"}
    added = [document for document in documents if (document.space_id, document.full_name) not in known]
    further = (Source(n, Hit(document, 0.0)) for n, document in enumerate(added, start=len(sources) + 1))
    return (*sources, *further)


def _joined(blocks: Sequence[str], others: Sequence[Source], phrases: Phrases) -> str:
    also = ", ".join(f"{source.hit.document.full_name} [{source.n}]" for source in others)
    return "\n\n".join([*blocks, *([f"{phrases.also} {also}."] if also else [])])


def _numbers(sources: Sequence[Source]) -> dict[str, int]:
    """Source numbers by full name: the description of an object rather than its help page, then the first."""
    ordered = sorted(sources, key=lambda source: (source.hit.document.doc_type == "help", source.n))
    return {source.hit.document.full_name: source.n for source in reversed(ordered)}


def _cited(name: str, numbers: Mapping[str, int]) -> str:
    return f" [{numbers[name]}]" if name in numbers else ""


def _object_line(name: str, knowledge: Knowledge, numbers: Mapping[str, int]) -> str:
    fact = knowledge.object(name)
    return " — ".join(filter(None, (name, fact.synonym if fact else ""))) + _cited(name, numbers)


def _speaks_as_well(source: Source, best: Source, weights: Mapping[str, float]) -> bool:
    """Whether a source says as much on the question as the best one; what is named outdoes what is only similar."""
    if source is best:
        return True
    if "exact" in best.hit.legs and "exact" not in source.hit.legs:
        return False
    return coverage(source.hit.document, weights) >= _NEAR_BEST * coverage(best.hit.document, weights)


def _tell(
    source: Source, phrases: Phrases, weights: Mapping[str, float], knowledge: Knowledge, *, in_full: bool
) -> Iterator[str]:
    document = source.hit.document
    method = _method(document, knowledge) if in_full else None
    yield f"{_headline(document, phrases, method)} [{source.n}]"
    facts = _facts(document, phrases, weights) if document.doc_type != "method" else []
    if facts:
        yield "\n".join(f"  • {fact}" for fact in facts)
    declared = declaration(document)
    if declared:
        yield _quoted(declared, source.n)
    if method:
        yield from card(method, phrases)
        if extended := extensions(method.full_name, knowledge, phrases):
            yield extended
    # Of an object, the lines behind the first fact are quoted: its name alone is all over its file.
    sought = dict.fromkeys(terms(facts[0]), 1.0) if facts else weights
    # What the comment says has been told.
    quotable = _below(document, declared) if method and declared else document
    decided = decisive(quotable, sought, lines=_QUOTED_LINES, beside=declared)
    if decided:
        yield _quoted(decided, source.n)


def _method(document: Document, knowledge: Knowledge) -> MethodFact | None:
    if document.doc_type != "method":
        return None
    return next((fact for fact in knowledge.find(document.full_name, limit=1) if isinstance(fact, MethodFact)), None)


def _below(document: Document, declared: Quote) -> Document:
    lines = document.text.split("\n")
    above = declared.line_start - document.line_start
    return replace(document, text="\n".join(lines[above:]), line_start=declared.line_start)


def _headline(document: Document, phrases: Phrases, method: MethodFact | None) -> str:
    if document.doc_type != "method":
        return " — ".join(filter(None, (document.full_name, document.synonym)))
    kind = phrases.function if document.is_function else phrases.procedure
    told = description(method) if method else first_sentence(document.doc)[:_LONGEST_DOC]
    if document.deprecated and not told.startswith(("Устарела", "Deprecated")):
        told = f"{phrases.deprecated} {told}".strip()
    return " — ".join(filter(None, (f"{kind} {document.full_name}", told)))


def _facts(document: Document, phrases: Phrases, weights: Mapping[str, float]) -> list[str]:
    """Lines of the rendered object that say more about the question than its name does."""
    name = frozenset(terms(f"{document.header} {document.full_name} {document.synonym}"))
    asked = frozenset(weights) - name
    lines = [line for line in document.body.split("\n") if asked.intersection(terms(line))]
    hidden = len(lines) - _MOST_FACTS
    return lines[:_MOST_FACTS] + ([phrases.more.format(hidden)] if hidden > 0 else [])


def _quoted(quote: Quote, number: int) -> str:
    lines = "\n".join(f"    | {line}" for line in quote.text.split("\n"))
    return f"{lines}\n    [{number}] {quote.path}:{quote.line_start}-{quote.line_end}"
