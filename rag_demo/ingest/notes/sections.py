"""From the blocks of a text to passages: one per heading, cut where it grows too long. Pure functions."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from rag_demo.ingest.notes.blocks import Block
from rag_demo.ingest.parts import Part, Unit, pack

_NUMBER = re.compile(r"^\d{1,3}(?:\.\d{1,3})*[.)]\s+|^\d{1,3}(?:\.\d{1,3})+\s+(?=[^\W\d])|^\d{1,3}\s+(?=[^\W\d])")
_LONGEST_TITLE = 160


@dataclass(frozen=True, slots=True)
class Section:
    """One part of a text, and the headings above it, outermost first; the title of the text comes first."""

    headings: tuple[str, ...]
    part: Part
    number: int  # of the part below its heading


def sections(blocks: Iterable[Block], title: str) -> Iterator[Section]:
    """Passages in the order of lines. A heading without text of its own opens the passage of the next one.

    Args:
        blocks: headings and paragraphs, in order.
        title: of the text, where it has none itself.
    """
    path: list[tuple[int, str]] = []
    held: list[Unit] = []
    has_text = False
    for place, block in enumerate(blocks):
        if block.level and block.text:
            if has_text:
                yield from _cut(held, path, title)
                held, has_text = [], False
            if not place and block.level == 1:
                title = _NUMBER.sub("", block.text[:_LONGEST_TITLE])
            path = [entry for entry in path if entry[0] < block.level]
            path.append((block.level, _NUMBER.sub("", block.text[:_LONGEST_TITLE])))
        elif block.text:
            has_text = True
        held.append(Unit(block.line_start, block.line_end, block.text))
    yield from _cut(held, path, title)


def _cut(units: list[Unit], path: list[tuple[int, str]], title: str) -> Iterator[Section]:
    headings = tuple(text for _, text in path)
    if headings[:1] != (title,):
        headings = (title, *headings)
    for number, part in enumerate(pack([unit for unit in units if unit.text])):
        yield Section(headings, part, number)
