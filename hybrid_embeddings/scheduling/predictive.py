"""A budget policy that learns time and memory of batches while they run, and chooses the fastest size that fits."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from itertools import combinations

import numpy as np
import numpy.typing as npt

from hybrid_embeddings.scheduling.budget import BudgetFacts, BudgetStats, CeilingBudget, MemoryLimit

_SCALE_TOKENS = 64  # as in the cost model: errors count relative to the size of the batch
_FORGET = 0.97  # weight of the past per batch
_HISTORY = 96
_REFIT_EVERY = 8
_ERRORS = 64
# Sizes around the best one are tried in this order. Without different sizes there is nothing to learn from.
_TRIALS = (1.0, 0.8, 1.0, 1.0, 1.25, 1.0, 1.0, 1.0)
# One step changes the size by this factor at most: predictions far beyond what was seen are not trusted.
_TRUST = 2.0
# A new size must promise this much more speed than the present one: near the best, speed is flat.
_WORTH_A_CHANGE = 1.02
# Without a limit by the user, sizes are tried up to this multiple of what suits the device.
_LARGEST = 8

_Features = Callable[[float], tuple[float, ...]]


class Regression:
    """Weighted least squares with coefficients ≥ 0 over the latest observations, refitted now and then.

    Errors are relative to the size of the batch, older observations count exponentially less. The coefficients are
    few, so every subset is solved and the best admissible one taken, which is exact (Lawson & Hanson, Solving Least
    Squares Problems, ch. 23, states the problem).
    """

    def __init__(self, features: _Features) -> None:
        self._features = features
        self._history: deque[tuple[int, float]] = deque(maxlen=_HISTORY)
        self._errors: deque[float] = deque(maxlen=_ERRORS)
        self._n_seen = 0
        self.coefficients: tuple[float, ...] | None = None

    def observe(self, padded_tokens: int, value: float) -> bool:
        """Add an observation; return True if that led to a new fit."""
        if self.coefficients is not None:
            self._errors.append(abs(self.predict(padded_tokens) - value) / value)
        self._history.append((padded_tokens, value))
        self._n_seen += 1
        if self._n_seen % _REFIT_EVERY:
            return False
        self.coefficients = self._fit()
        return True

    def predict(self, padded_tokens: float) -> float:
        """Return the expected value; only after the first fit."""
        pairs = zip(self.coefficients or (), self._features(padded_tokens), strict=True)
        return max(sum(weight * feature for weight, feature in pairs), 1e-12)

    @property
    def error(self) -> float | None:
        """Mean absolute relative error of the latest predictions, each made before its batch was known."""
        return sum(self._errors) / len(self._errors) if self._errors else None

    @property
    def largest_seen(self) -> int:
        """Largest size in the history, in padded tokens."""
        return max(size for size, _ in self._history)

    def _fit(self) -> tuple[float, ...]:
        sizes = np.array([size for size, _ in self._history], dtype=np.float64)
        age = np.arange(len(sizes))[::-1]
        weight = _FORGET ** (age / 2) / (sizes + _SCALE_TOKENS)
        rows = np.array([self._features(size) for size in sizes]) * weight[:, None]
        scale = np.linalg.norm(rows, axis=0)
        values = np.array([value for _, value in self._history]) * weight
        return tuple((_least_squares(rows / scale, values) / scale).tolist())


def _least_squares(rows: npt.NDArray[np.float64], values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return the w ≥ 0 with the smallest |rows·w - values|; rows (n, k), values (n,), result (k,)."""
    gram, target = rows.T @ rows, rows.T @ values
    n_columns = rows.shape[1]
    best, best_loss = np.zeros(n_columns), 0.0
    for count in range(1, n_columns + 1):
        for columns in combinations(range(n_columns), count):
            pick = list(columns)
            # A little ridge: when all batches have one size, the columns are the same.
            found = np.linalg.solve(gram[np.ix_(pick, pick)] + 1e-9 * np.eye(count), target[pick])
            loss = float(found @ gram[np.ix_(pick, pick)] @ found - 2 * found @ target[pick])
            if (found >= 0).all() and loss < best_loss:
                best, best_loss = np.zeros(n_columns), loss
                best[pick] = found
    return best


class PredictiveBudget(CeilingBudget):
    """The size with the most predicted tokens per second among those predicted to fit into memory.

    Time is modelled as ``a + b·n + c·n²`` seconds for n padded tokens: overhead, work, and work that gets dearer when
    activations leave the caches. Tokens per second, ``n / (a + b·n + c·n²)``, are highest at ``n = √(a/c)``. Memory is
    modelled as ``d + e·n`` bytes; until batches report theirs, ``e`` comes from :class:`MemoryLimit`. All coefficients
    are refitted every eight batches over the latest 96.
    """

    name = "predictive"

    def __init__(self, memory: MemoryLimit, *, limit_tokens: int | None = None) -> None:
        """Start.

        Args:
            memory: what a batch may take.
            limit_tokens: largest budget ever tried, in padded tokens; None: eight times what suits the device.
        """
        super().__init__()
        self._memory = memory
        self._limit_tokens = limit_tokens
        self._time = Regression(lambda n: (1.0, n, n * n))
        self._bytes = Regression(lambda n: (1.0, n))
        self._best: float | None = None  # None: not asked yet
        self._largest = 1.0  # what memory allows at the moment
        self._n_asked = 0

    def budget(self, facts: BudgetFacts) -> int:
        """See :class:`BudgetPolicy`. Sizes around the best one are tried in a fixed order, never more than fits."""
        best = super().budget(facts)
        self._n_asked += 1
        return max(1, int(min(best * _TRIALS[self._n_asked % len(_TRIALS)], self._largest)))

    def _learn(self, padded_tokens: int, seconds: float, peak_bytes: int | None) -> None:
        if padded_tokens <= 0 or seconds <= 0:
            return
        if peak_bytes is not None and peak_bytes > 0:
            self._bytes.observe(padded_tokens, peak_bytes)
        if self._time.observe(padded_tokens, seconds):
            self._improve()

    @property
    def stats(self) -> BudgetStats:
        """See :class:`BudgetPolicy`."""
        return BudgetStats(self.name, self._adjustments, self._ceiling, self._time.error, self._bytes.error)

    def _wish(self, facts: BudgetFacts) -> int:
        if self._best is None:
            self._best = float(facts.preferred_tokens)
        limits = [self._limit_tokens or _LARGEST * facts.preferred_tokens, self._fitting(facts.free_bytes)]
        if self._ceiling is not None:
            limits.append(self._ceiling)
        self._largest = min(limits)
        return int(min(self._best, self._largest))

    def _fitting(self, free_bytes: int | None) -> float:
        """Return the largest size that is predicted to fit."""
        room = self._memory.bytes_for_batch(free_bytes)
        if self._bytes.coefficients is None:
            return room / self._memory.bytes_per_token
        base, per_token = self._bytes.coefficients
        return (room - base) / max(per_token, 1e-9)

    def _improve(self) -> None:
        """Move the best size towards the highest predicted speed."""
        present = float(self._last or 1)
        # Small batches alone, say of queries, tell nothing about large ones.
        if self._time.largest_seen * _TRUST < present:
            return
        overhead_s, _, dearer = self._time.coefficients or (0.0, 0.0, 0.0)
        target = (overhead_s / dearer) ** 0.5 if dearer > 0 else float("inf")
        better = min(max(target, present / _TRUST), present * _TRUST)
        gain = (better / self._time.predict(better)) / (present / self._time.predict(present))
        if gain <= _WORTH_A_CHANGE:
            return
        if better > present and self._best is not None:
            # Where memory alone keeps batches small, what was best before need not be found again.
            better = min(max(better, self._best), target)
        self._best = better
