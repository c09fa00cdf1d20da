"""One source told: what it is, what it says of the question, and its decisive lines word for word."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace

from rag_demo.chat.extractive.assembling import quoted
from rag_demo.chat.extractive.cards import card, description
from rag_demo.chat.extractive.chains import extensions
from rag_demo.chat.extractive.phrases import Phrases
from rag_demo.chat.extractive.quotes import Quote, decisive, declaration, whole
from rag_demo.chat.ports import Knowledge
from rag_demo.index.analyse import terms
from rag_demo.index.passages import first_sentence
from rag_demo.ingest.facts import MethodFact
from rag_demo.types import Document, Source

_QUOTED_LINES = 4
_LONGEST_DOC = 300
_MOST_FACTS = 30
_MOST_CODE = 120  # lines of a method that is shown whole
_NAME = re.compile(r"\s*<(name|Name|Default\w+Form)>([^<]*)</\1>\s*")


def tell_code(source: Source, phrases: Phrases, knowledge: Knowledge) -> Iterator[str]:
    """A method with its text."""
    document = source.hit.document
    yield f"{headline(document, phrases, method_of(document, knowledge))} [{source.n}]"
    code, hidden = whole(document, _MOST_CODE)
    yield quoted(code, source.n) + (f"\n{phrases.more.format(hidden)}" if hidden else "")


def tell_source(
    source: Source, phrases: Phrases, weights: Mapping[str, float], knowledge: Knowledge, *, in_full: bool
) -> Iterator[str]:
    """The blocks on one source; in full a method comes with parameters, result and example."""
    document = source.hit.document
    method = method_of(document, knowledge) if in_full else None
    yield f"{headline(document, phrases, method)} [{source.n}]"
    facts = _facts(document, phrases, weights) if document.doc_type != "method" else []
    if facts:
        yield "\n".join(f"  • {fact}" for fact in facts)
    declared = declaration(document)
    if declared:
        yield quoted(declared, source.n)
    if method:
        yield from card(method, phrases)
        if extended := extensions(method.full_name, knowledge, phrases):
            yield extended
    # Of an object, the lines behind the first fact are quoted: its name alone is all over its file.
    sought = dict.fromkeys(terms(facts[0]), 1.0) if facts else weights
    # What the comment says has been told.
    quotable = _below(document, declared) if method and declared else document
    decided = decisive(quotable, sought, lines=_QUOTED_LINES, beside=declared)
    if decided and not _only_its_name(decided.text, document):
        yield quoted(decided, source.n)
    elif facts:
        yield f"    [{source.n}] {document.path}:{document.line_start}-{document.line_end}"


def headline(document: Document, phrases: Phrases, method: MethodFact | None) -> str:
    """What a document is called, and in short what it is for."""
    if document.doc_type != "method":
        return " — ".join(filter(None, (document.full_name, document.synonym)))
    kind = phrases.function if document.is_function else phrases.procedure
    told = description(method) if method else first_sentence(document.doc)[:_LONGEST_DOC]
    if document.deprecated and not told.startswith(("Устарела", "Deprecated")):
        told = f"{phrases.deprecated} {told}".strip()
    return " — ".join(filter(None, (f"{kind} {document.full_name}", told)))


def method_of(document: Document, knowledge: Knowledge) -> MethodFact | None:
    """The facts of a method's document, if possible those of its own space."""
    if document.doc_type != "method":
        return None
    found = [fact for fact in knowledge.find(document.full_name) if isinstance(fact, MethodFact)]
    return min(found, key=lambda fact: fact.origin.space_id != document.space_id, default=None)


def _only_its_name(quote: str, document: Document) -> bool:
    """Whether lines say no more than what an object is called, which tells nothing to whoever asked for it so."""
    found = [_NAME.fullmatch(line) for line in quote.split("\n")]
    return all(one is not None and document.object_name in one[2].split(".") for one in found)


def _below(document: Document, declared: Quote) -> Document:
    lines = document.text.split("\n")
    above = declared.line_start - document.line_start
    return replace(document, text="\n".join(lines[above:]), line_start=declared.line_start)


def _facts(document: Document, phrases: Phrases, weights: Mapping[str, float]) -> list[str]:
    """Lines of the rendered object that say more about the question than its name does.

    What a line begins with may be asked for though the name or the heading has that word, too: the rights of the role
    «ПолныеПрава», the one line under the heading «Расписание».
    """
    described = document.doc_type == "metadata_object"
    name = frozenset(terms(f"{document.header} {document.full_name} {document.synonym}"))
    asked = frozenset(weights) - name
    title = document.header.partition(" › ")[0]

    def headed(said: list[str]) -> bool:
        return bool(said) and said[0] in weights

    def says(line: str) -> bool:
        said = terms(line)
        return not asked.isdisjoint(said) or (described and headed(said) and not line.startswith(title))

    lines = [line for line in document.body.split("\n") if says(line)]
    hidden = len(lines) - _MOST_FACTS
    return lines[:_MOST_FACTS] + ([phrases.more.format(hidden)] if hidden > 0 else [])
