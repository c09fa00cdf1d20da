"""Sources of an answer: further ones behind those that were found, their numbers, and the blocks put together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rag_demo.chat.extractive.phrases import Phrases
from rag_demo.chat.extractive.quotes import Quote
from rag_demo.chat.ports import Knowledge
from rag_demo.types import Document, Hit, Source


def object_of(source: Source) -> str:
    """Full name of the object that a source belongs to; subsystems lie in others."""
    document = source.hit.document
    nested = document.object_kind == "Subsystem" and document.doc_type != "method"
    return document.full_name if nested else f"{document.object_kind}.{document.object_name}"


def with_documents(sources: Sequence[Source], documents: Sequence[Document | None]) -> tuple[Source, ...]:
    """The sources with further documents behind them; none twice, but a help page does not stand for its object."""
    hits = [source.hit.document for source in sources]
    known = {(document.space_id, document.full_name) for document in hits if document.doc_type != "help"}
    added = [one for one in documents if one is not None and (one.space_id, one.full_name) not in known]
    further = (Source(n, Hit(document, 0.0)) for n, document in enumerate(added, start=len(sources) + 1))
    return (*sources, *further)


def numbers_of(sources: Sequence[Source]) -> dict[str, int]:
    """Source numbers by full name: the description of an object rather than its help page, then the first."""
    ordered = sorted(sources, key=lambda source: (source.hit.document.doc_type == "help", source.n))
    return {source.hit.document.full_name: source.n for source in reversed(ordered)}


def cited(name: str, numbers: Mapping[str, int]) -> str:
    """« [n]», or nothing where no source is called so."""
    return f" [{numbers[name]}]" if name in numbers else ""


def object_line(name: str, knowledge: Knowledge, numbers: Mapping[str, int]) -> str:
    """An object with what users call it and its source."""
    fact = knowledge.object(name)
    return " — ".join(filter(None, (name, fact.synonym if fact else ""))) + cited(name, numbers)


def quoted(quote: Quote, number: int) -> str:
    """Lines word for word, and where they stand."""
    lines = "\n".join(f"    | {line}" for line in quote.text.split("\n"))
    return f"{lines}\n    [{number}] {quote.path}:{quote.line_start}-{quote.line_end}"


def joined(blocks: Sequence[str], others: Sequence[Source], phrases: Phrases) -> str:
    """The blocks, and a line that names the sources that none of them tells of."""
    numbers: dict[str, list[int]] = {}
    for source in others:
        numbers.setdefault(source.hit.document.full_name, []).append(source.n)
    also = ", ".join(f"{name} " + "".join(f"[{n}]" for n in dict.fromkeys(known)) for name, known in numbers.items())
    return "\n\n".join([*filter(None, blocks), *([f"{phrases.also} {also}."] if also else [])])
