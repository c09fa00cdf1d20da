"""Packing what a file says into contiguous parts of bounded size."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

MAX_PART_LINES = 250
MAX_PART_CHARACTERS = 3_000


@dataclass(frozen=True, slots=True)
class Unit:
    """One statement about an object, and the lines of the file that say it.

    Neighbours with the same ``group`` are members of one list: they are joined behind its name.
    """

    line_start: int
    line_end: int
    text: str
    group: str = ""


@dataclass(frozen=True, slots=True)
class Part:
    """Neighbouring units: one passage."""

    line_start: int
    line_end: int
    body: str


def pack(units: Sequence[Unit]) -> Iterator[Part]:
    """Parts in the order of lines; each holds as many neighbouring units as fit."""
    held: list[Unit] = []
    size, end = 0, 0
    for unit in sorted(units, key=lambda unit: unit.line_start):
        too_long = held and max(end, unit.line_end) - held[0].line_start >= MAX_PART_LINES
        if held and (too_long or size + len(unit.text) > MAX_PART_CHARACTERS):
            yield _part(held)
            held, size, end = [], 0, 0
        held.append(unit)
        size += len(unit.text) + 1
        end = max(end, unit.line_end)
    if held:
        yield _part(held)


def _part(units: list[Unit]) -> Part:
    lines: list[str] = []
    group = ""
    for unit in units:
        if unit.group and unit.group == group:
            lines[-1] += f", {unit.text}"
        else:
            lines.append(f"{unit.group}: {unit.text}" if unit.group else unit.text)
        group = unit.group
    return Part(units[0].line_start, max(unit.line_end for unit in units), "\n".join(lines))
