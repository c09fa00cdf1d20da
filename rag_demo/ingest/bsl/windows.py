"""Cutting a long method into windows at places where a reader would."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

_BLANK, _STATEMENT, _LINE, _EARLY, _STRING = range(5)  # how good a cut is, best first
_STATEMENT_END = re.compile(
    r"(?:;|\b(?:тогда|цикл|иначе|попытка|исключение|then|do|else|try|except))\s*(?://.*)?$", re.IGNORECASE
)
_SHORTEST = 0.5  # of the wanted size: no window is cut shorter than this
_SCRAP = 0.1  # of the limit: a shorter rest is not worth a window of its own


@dataclass(frozen=True, slots=True)
class Window:
    """Lines ``first`` … ``last``, counted from 0, both included."""

    first: int
    last: int


def cut_windows(lines: Sequence[str], limit: int, keep: int = 1) -> list[Window]:
    """Split ``lines`` into windows of about ``limit`` characters that together hold every line once.

    The first ``keep`` lines stay together. A string of several lines is cut only where it is longer than a window.
    A window is longer than ``limit`` only where a single line or the lines to keep are; the last one may be a tenth
    longer.
    """
    ends = _ends(lines)
    if not ends or ends[-1] <= limit:
        return [Window(0, len(lines) - 1)] if lines else []
    cuts = _possible_cuts(lines, keep)
    windows, first = [], 0
    while first < len(lines):
        last = _last_line(ends, cuts, first, limit)
        if ends[-1] - ends[last] < limit * _SCRAP:
            last = len(lines) - 1
        windows.append(Window(first, last))
        first = last + 1
    return windows


def _ends(lines: Sequence[str]) -> list[int]:
    ends, total = [], 0
    for line in lines:
        total += len(line) + 1
        ends.append(total)
    return ends


def _last_line(ends: list[int], cuts: dict[int, int], first: int, limit: int) -> int:
    done = ends[first - 1] if first else 0
    rest = ends[-1] - done
    if rest <= limit:
        return len(ends) - 1
    wanted = rest / -(-rest // limit)  # equal windows instead of full ones and a scrap
    best: tuple[int, float, int] | None = None
    for number in range(first, len(ends) - 1):
        size = ends[number] - done
        if size > limit and best is not None:
            break
        rank = cuts.get(number + 1)
        if rank is None or size < limit * _SCRAP:
            continue
        if size < wanted * _SHORTEST:
            rank = max(rank, _EARLY)
        best = min(best or (_STRING + 1, 0.0, 0), (rank, abs(size - wanted), number))
        if size > limit:
            break
    return best[2] if best else len(ends) - 1


def _possible_cuts(lines: Sequence[str], keep: int) -> dict[int, int]:
    """Line before which a cut is possible → how good it is there."""
    cuts: dict[int, int] = {}
    in_string = False  # whether the next line that is neither blank nor a comment continues a string
    for number in range(len(lines) - 1, keep - 1, -1):
        text = lines[number].strip()
        if text and not text.startswith("//"):
            in_string = text.startswith("|")
        if number == 0:
            continue
        if in_string:
            cuts[number] = _STRING
            continue
        before = lines[number - 1].strip()
        if before in {"", "//"} or text.startswith("#"):
            cuts[number] = _BLANK
        else:
            cuts[number] = _STATEMENT if _STATEMENT_END.search(before) else _LINE
    return cuts
