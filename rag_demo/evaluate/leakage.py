"""What an evaluated model and index may see. Pure functions.

A known-item question is a sentence of a doc comment. Whoever has seen that comment, or one nearly like it, beside the
method knows the answer, so the index of an evaluation holds no doc comments of methods, and training gets the
documents without the evaluated comments and those like them.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace

from rag_demo.evaluate.cases import Case
from rag_demo.index.analyse import terms
from rag_demo.types import Document

# Token Jaccard from which two comments say the same.
ALIKE = 0.6
_COMMENT_LINES = re.compile(r"\A(?:[ \t]*//[^\n]*\n|[ \t]*\n)+")
_CLAUSE = re.compile(r"(?<=[.!?;])\s+|\n+")


class Withheld:
    """Tells whether a text is one of the evaluated comments, or has `ALIKE` of its terms in common with one."""

    def __init__(self, comments: Iterable[str]) -> None:
        """Take the evaluated comments and questions."""
        self._sets = [words for words in {frozenset(terms(comment)) for comment in comments} if words]
        self._count = Counter(word for words in self._sets for word in words)
        self._by_word: dict[str, list[int]] = {}
        for number, words in enumerate(self._sets):
            for word in self._prefix(words):
                self._by_word.setdefault(word, []).append(number)

    def __call__(self, text: str) -> bool:
        """Whether ``text``, or a sentence or line of it, must not be seen."""
        return any(self._alike(frozenset(terms(part))) for part in (text, *_CLAUSE.split(text)))

    def _alike(self, words: frozenset[str]) -> bool:
        candidates = {number for word in self._prefix(words) for number in self._by_word.get(word, ())}
        return any(jaccard(words, self._sets[number]) >= ALIKE for number in candidates)

    def _prefix(self, words: frozenset[str]) -> list[str]:
        """The rarest words of a set: two sets that are alike share one of these (Chaudhuri et al., ICDE 2006)."""
        ordered = sorted(words, key=lambda word: (self._count[word], word))
        return ordered[: len(words) - math.ceil(ALIKE * len(words)) + 1]


def jaccard(one: frozenset[str], other: frozenset[str]) -> float:
    """Size of the intersection over that of the union; 0 for two empty sets."""
    return len(one & other) / len(one | other) if one or other else 0.0


def withheld(documents: Sequence[Document], cases: Iterable[Case]) -> Withheld:
    """What must not be seen in training: the questions made of comments, and the whole of those comments."""
    made = [case for case in cases if case.source_id]
    comments = {document.doc_id: document.doc for document in documents if document.doc}
    return Withheld([case.question for case in made] + [comments.get(case.source_id, "") for case in made])


def training_variant(documents: Sequence[Document], excluded: Withheld) -> list[Document]:
    """The documents as a model under evaluation may see them.

    Comments that are withheld are gone from every field; of other texts those of their comments and sentences that
    are withheld still have to be dropped by whoever cuts them out (`Withheld`).
    """
    return [without_doc(document) if document.doc and excluded(document.doc) else document for document in documents]


def indexed_variant(documents: Sequence[Document]) -> list[Document]:
    """The documents as an index under evaluation holds them: methods without their doc comments."""
    return [without_doc(document) if document.doc_type == "method" else document for document in documents]


def without_doc(document: Document) -> Document:
    """A method without the comment above it; its first line moves down accordingly."""
    text = _COMMENT_LINES.sub("", document.text) if document.doc else document.text
    removed = document.text.count("\n") - text.count("\n")
    return replace(
        document,
        doc="",
        text=text,
        line_start=document.line_start + removed,
        content_hash=f"{document.content_hash}-without-doc",
    )
