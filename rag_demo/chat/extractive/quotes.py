"""The lines of a passage that decide, word for word. Pure functions."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from rag_demo.index.analyse import terms
from rag_demo.types import Document

_TAG = re.compile(r"<[^>]*>")
_DECLARATION = re.compile(
    r"\s*(?:асинх\s+|async\s+)?(?:процедура|функция|procedure|function)\s+\w+\s*\(", re.IGNORECASE
)
# Generated lines of some kilobytes are data; taking them apart would cost more than the search.
_LONGEST_LINE = 400
_LONGEST_DECLARATION = 8


@dataclass(frozen=True, slots=True)
class Quote:
    """Lines ``line_start`` … ``line_end`` of a file, word for word."""

    path: str
    line_start: int
    line_end: int
    text: str


def declaration(document: Document) -> Quote | None:
    """The line or lines that declare a method, up to the closing bracket; None if it is no method."""
    lines = document.text.split("\n")
    for first, line in enumerate(lines):
        if _DECLARATION.match(line):
            ends = (place for place in range(first, len(lines)) if ")" in lines[place])
            last = min(next(ends, first), first + _LONGEST_DECLARATION - 1)
            return _quote(document, lines, first, last + 1)
    return None


def whole(document: Document, most: int) -> tuple[Quote, int]:
    """The first ``most`` lines of a document, and how many more there are."""
    lines = document.text.split("\n")
    return _quote(document, lines, 0, min(len(lines), most)), max(0, len(lines) - most)


def decisive(
    document: Document, weights: Mapping[str, float], *, lines: int, beside: Quote | None = None
) -> Quote | None:
    """The ``lines`` consecutive lines of a document that cover most of the question.

    Of equal windows the first wins. Markup does not count, so that a question about a catalogue is not answered
    by whatever element happens to be called ``<Catalog …>``.

    Args:
        document: its ``text`` is quoted.
        weights: of the question's terms.
        lines: most lines of the window.
        beside: another quote of the document, whose lines are not quoted again.

    Returns:
        None if no line has a word of the question.
    """
    content = document.text.split("\n")
    found = [_covered(line, weights) for line in content]
    windows = [window for window in _windows(document, len(content), lines, beside) if any(found[i] for i in window)]
    if not windows:
        return None

    def worth(window: range) -> float:
        covered = frozenset[str]().union(*(found[place] for place in window))
        return sum(weights[term] for term in covered)

    hits = [place for place in max(windows, key=worth) if found[place]]
    return _quote(document, content, hits[0], hits[-1] + 1)


def _windows(document: Document, count: int, lines: int, beside: Quote | None) -> list[range]:
    """Ranges of at most ``lines`` of the ``count`` lines of a document, none with a line of ``beside``."""
    if beside is None:
        gap = range(count, count)
    else:
        gap = range(beside.line_start - document.line_start, beside.line_end - document.line_start + 1)
    return [
        range(first, min(first + lines, gap.start if first < gap.start else count))
        for first in range(count)
        if first not in gap
    ]


def _covered(line: str, weights: Mapping[str, float]) -> frozenset[str]:
    return frozenset(terms(_TAG.sub(" ", line[:_LONGEST_LINE]))).intersection(weights)


def _quote(document: Document, lines: list[str], first: int, end: int) -> Quote:
    return Quote(
        path=document.path,
        line_start=document.line_start + first,
        line_end=document.line_start + end - 1,
        text="\n".join(lines[first:end]),
    )
