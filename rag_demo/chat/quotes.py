"""The lines of a passage that decide. Pure functions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from rag_demo.index.analyse import terms
from rag_demo.types import Document

_LONGEST_LINE = 400


@dataclass(frozen=True, slots=True)
class Quote:
    """Lines ``line_start`` … ``line_end`` of a file, word for word."""

    path: str
    line_start: int
    line_end: int
    text: str


def decisive(document: Document, rarity: Mapping[str, float], *, lines: int) -> Quote:
    """The ``lines`` consecutive lines of a document that cover most of the question.

    Args:
        document: its ``text`` is quoted.
        rarity: the question's terms with their idf.
        lines: length of the window; shorter at the end of a short document.

    Of equal windows the first wins, which in a method is the one with its description and signature.
    """
    content = document.text.split("\n")
    found = [_covered(line, rarity) for line in content]
    start = max(
        range(max(1, len(content) - lines + 1)),
        key=lambda first: (sum(rarity[term] for term in set().union(*found[first : first + lines])), -first),
    )
    first, last = _trim(content, start, min(start + lines, len(content)))
    return Quote(
        path=document.path,
        line_start=document.line_start + first,
        line_end=document.line_start + last - 1,
        text="\n".join(content[first:last]),
    )


def _covered(line: str, rarity: Mapping[str, float]) -> frozenset[str]:
    # Generated lines of some kilobytes are data; taking them apart would cost more than the search.
    return frozenset(terms(line[:_LONGEST_LINE])).intersection(rarity)


def _trim(content: list[str], first: int, last: int) -> tuple[int, int]:
    """Bounds without blank lines at either end; an empty window stays as it is."""
    start, end = first, last
    while start < end and not content[start].strip():
        start += 1
    while end > start and not content[end - 1].strip():
        end -= 1
    return (start, end) if start < end else (first, last)
