"""Counts over a rolling window of time, in memory that does not grow with what is counted."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Counts = npt.NDArray[np.int64]


class RollingCounts:
    """Several counters over the last ``window_s`` seconds, kept in ``n_slots`` slices of time. Not thread-safe.

    A slice is forgotten as a whole: a sum over a span reaches back at most one slice more, never less.
    """

    def __init__(self, n_counters: int, *, window_s: float, n_slots: int) -> None:
        """Take ``n_counters`` counters; memory is 8 × ``n_counters`` × ``n_slots`` bytes."""
        self._slot_s = window_s / n_slots
        self._n_slots = n_slots
        self._counts = np.zeros((n_slots, n_counters), dtype=np.int64)  # row: number of the slice % n_slots
        self._numbers = np.full(n_slots, -1, dtype=np.int64)  # of the slice that each row holds
        self._newest = 0
        self._open = [0] * n_counters  # the newest slice: a list, because counting must take less than a microsecond

    def add(self, counter: int, amount: int, now_s: float) -> None:
        """Count at the time ``now_s``; a time before the newest slice counts as the newest."""
        number = int(now_s // self._slot_s)
        if number > self._newest:
            self._advance(number)
        self._open[counter] += amount

    def sums(self, span_s: float, now_s: float) -> Counts:
        """Sum of each counter over the last ``span_s`` seconds, int64 ``(n_counters,)``."""
        self._advance(int(now_s // self._slot_s))
        oldest = self._newest - round(span_s / self._slot_s)
        total: Counts = self._counts[self._numbers >= max(oldest, 0)].sum(axis=0)
        return total + np.array(self._open, dtype=np.int64)

    def _advance(self, number: int) -> None:
        if number <= self._newest:
            return
        row = self._newest % self._n_slots
        self._counts[row] = self._open
        self._numbers[row] = self._newest
        self._open = [0] * len(self._open)
        self._newest = number
