"""Whether near-duplicates of a sort may be used: what was measured decides, and goes on deciding."""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass, field

import numpy as np

from hybrid_embeddings.cache.sketch import Difference

_WINDOW = 400
_FEWEST = 40
FLOOR = 0.98
"""No sort of difference is used of which a true cosine below this was measured."""

Sort = tuple[Difference, int]
"""A difference, and the power of two below the number of words: one comma matters less in a longer text."""


@dataclass(slots=True)
class _Measured:
    cosines: deque[float] = field(default_factory=lambda: deque(maxlen=_WINDOW))
    n_measured: int = 0
    known: float | None = None  # the estimate, until the next measurement

    def estimate(self) -> float:
        """See :meth:`Judge.estimate`."""
        if self.known is None:
            cosines = np.array(self.cosines)
            self.known = (
                float(min(cosines.min(), cosines.mean() - 5 * cosines.std())) if len(cosines) >= _FEWEST else 0.0
            )
        return self.known


class Judge:
    """Keeps the true cosines of pairs that the gate let pass, by sort of difference."""

    def __init__(self, threshold: float) -> None:
        """``threshold``: least estimated cosine of a sort that is used, besides :data:`FLOOR`."""
        self._threshold = threshold
        self._lock = threading.Lock()
        self._sorts: dict[Sort, _Measured] = {}

    def estimate(self, sort: Sort) -> float:
        """Return the cosine that pairs of a sort have at least, as far as measured; 0 with too few measurements.

        The smallest one of the last 400, and no more than their mean less five standard deviations, because what was
        not seen yet may be a little worse.
        """
        with self._lock:
            measured = self._sorts.get(sort)
            return measured.estimate() if measured is not None else 0.0

    def allows(self, sort: Sort) -> bool:
        """Tell whether a pair of a sort may be used without computing."""
        return self.estimate(sort) >= max(self._threshold, FLOOR)

    def measured(self, sort: Sort, cosine: float) -> None:
        """Take a true cosine. One below the floor closes the sort until it has left the window."""
        with self._lock:
            found = self._sorts.setdefault(sort, _Measured())
            found.cosines.append(cosine)
            found.n_measured += 1
            found.known = None

    def stats(self) -> dict[str, dict[str, float]]:
        """Return per sort the pairs measured, the smallest and the estimated cosine, and whether it is used."""
        with self._lock:
            return {
                f"{sort[0]}, {sort[1]}+ words": {
                    "measured": found.n_measured,
                    "worst": min(found.cosines),
                    "estimate": found.estimate(),
                    "used": found.estimate() >= max(self._threshold, FLOOR),
                }
                for sort, found in sorted(self._sorts.items())
            }


def sort_of(difference: Difference, n_words: int) -> Sort:
    """Return the sort of a pair."""
    return difference, 1 << max(n_words.bit_length() - 1, 0)
