"""What a configuration says about itself: texts, and the documents that each of them is about. Pure functions.

A name tells what a body does, a comment what the code below it does, a line what its method is about. Such pairs are
what a model learns from; nobody has to write them.
"""

from __future__ import annotations

import random
import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

from rag_demo.adapt.fields import Shown, traits
from rag_demo.index.passages import first_sentence
from rag_demo.types import Document

Excluded = Callable[[str], bool]
Source = Literal["comment", "description", "name", "line", "remark", "synonym", "help", "handler"]
_SHORTEST_LINE = 20
_SHORTEST_TEXT = 8
_SHORTEST_REMARK = 25
_LINES = 2  # of each document; more of them change nothing but the time
_NO_DOC = Shown(name=True, owner=True, doc=False, traits=True, body=True)
_NAME = _NO_DOC._replace(body=False)
_BODY = _NO_DOC._replace(name=False)
_ONLY_BODY = Shown(name=False, owner=False, doc=False, traits=False, body=True)
_HEADER = re.compile(r"[ \t]*(?:асинх|async)?[ \t]*(?:процедура|функция|procedure|function)\b", re.IGNORECASE)
_CODE = re.compile(r"[;=(]\s*$")
_HANDLER = re.compile(r"(\w+)\.(\w+)\b")
_WITH_HANDLERS = frozenset({"EventSubscription", "ScheduledJob"})


class Pair(NamedTuple):
    """A text, and the document that it is about. ``fields``: those of the document that may be seen beside it."""

    source: Source
    text: str
    document: int  # place in the list of documents
    fields: Shown


@dataclass(frozen=True, slots=True)
class PairMaker:
    """Makes the pairs of documents.

    Attributes:
        excluded: tells texts that must not be learned from (the comments of an evaluation).
        seed: decides which lines of a body are taken.
    """

    excluded: Excluded = lambda _: False
    seed: int = 0

    def pairs(self, documents: Sequence[Document]) -> Iterator[Pair]:
        """All pairs, in the order of the documents."""
        cards = {d.full_name: n for n, d in reversed(list(enumerate(documents))) if d.doc_type == "metadata_object"}
        methods = _methods_by_name(documents)
        chosen = random.Random(self.seed)  # noqa: S311  # a sample, no secret
        for number, document in enumerate(documents):
            found = list(_own_pairs(number, document))
            if document.doc_type == "help" and document.full_name in cards:
                found.append(Pair("help", document.body[:400], cards[document.full_name], _ONLY_BODY))
            if document.object_kind in _WITH_HANDLERS:
                said = f"{document.name} {document.synonym}"
                found += [Pair("handler", said, method, _NO_DOC) for method in _handlers(document, methods)]
            lines = [line for line in document.body.split("\n") if len(line) > _SHORTEST_LINE]
            lines = chosen.sample(lines, min(len(lines), _LINES))
            found += [Pair("line", line[:400], number, _NO_DOC) for line in lines]
            for pair in found:
                if len(pair.text) >= _SHORTEST_TEXT and not self.excluded(pair.text):
                    yield pair

    def words(self, documents: Sequence[Document]) -> Iterator[str]:
        """Texts to learn a tokenizer from."""
        for document in documents:
            yield f"{document.name} {document.object_name} {document.synonym} {traits(document)}"
            if document.doc and not self.excluded(document.doc):
                yield document.doc
            for line in document.body.split("\n"):
                if not _is_prose(line) or not self.excluded(line):
                    yield line


def _own_pairs(number: int, document: Document) -> Iterator[Pair]:
    if document.doc:
        said = first_sentence(document.doc)
        for seen in (_NO_DOC, _NAME, _BODY):
            yield Pair("comment", said, number, seen)
        if len(document.doc) > len(said) + _SHORTEST_LINE:
            yield Pair("description", document.doc[:800], number, _NO_DOC)
    if document.doc_type == "method":
        yield Pair("name", document.name, number, _BODY)
        for remark in remarks(document.text):
            yield Pair("remark", remark, number, _NO_DOC)
    elif document.doc_type == "help":
        yield Pair("help", document.header or document.name, number, _ONLY_BODY)
    elif document.synonym:
        yield Pair("synonym", document.synonym, number, _ONLY_BODY)


def remarks(text: str) -> Iterator[str]:
    """Comments inside the code of a method, those on neighbouring lines as one; no code that is commented out."""
    lines = text.split("\n")
    start = next((number for number, line in enumerate(lines) if _HEADER.match(line)), -1)
    run: list[str] = []
    for line in [*lines[start + 1 :], ""]:
        stripped = line.strip()
        if stripped.startswith("//"):
            run.append(stripped.strip("/ \t"))
        elif run:
            said = " ".join(run)
            run = []
            if len(said) > _SHORTEST_REMARK and not _CODE.search(said):
                yield said[:400]


def _is_prose(line: str) -> bool:
    return not any(mark in line for mark in ";=(")


def _methods_by_name(documents: Sequence[Document]) -> dict[tuple[str, str], list[int]]:
    found: dict[tuple[str, str], list[int]] = defaultdict(list)
    for number, document in enumerate(documents):
        if document.doc_type == "method":
            found[document.object_name, document.name].append(number)
    return found


def _handlers(document: Document, methods: dict[tuple[str, str], list[int]]) -> Iterator[int]:
    for module, name in dict.fromkeys(_HANDLER.findall(document.body)):
        yield from methods.get((module, name), ())[:1]
