"""Packing what a file says into contiguous parts of bounded size."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

MAX_PART_LINES = 250
MAX_PART_CHARACTERS = 3_000
# Of the file's own text. Ordinary XML of that many lines stays below; help pages may hold pictures between their lines.
MAX_CITED_CHARACTERS = 24_000


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


def pack(units: Sequence[Unit], cited: Callable[[int, int], int] = lambda _first, _last: 0) -> Iterator[Part]:
    """Parts in the order of lines; each holds as many neighbouring units as fit.

    Args:
        units: of one file.
        cited: number of characters that the file has from one line to another.
    """
    held: list[Unit] = []
    size, end = 0, 0
    for unit in sorted(units, key=lambda unit: unit.line_start):
        if held and (size + len(unit.text) > MAX_PART_CHARACTERS or _too_long(held[0].line_start, end, unit, cited)):
            yield _part(held)
            held, size, end = [], 0, 0
        held.append(unit)
        size += len(unit.text) + 1
        end = max(end, unit.line_end)
    if held:
        yield _part(held)


def _too_long(first: int, end: int, unit: Unit, cited: Callable[[int, int], int]) -> bool:
    if max(end, unit.line_end) - first >= MAX_PART_LINES:
        return True
    # A unit on the line where the part ends does not make the citation longer.
    return unit.line_end > end and cited(first, unit.line_end) > MAX_CITED_CHARACTERS


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
