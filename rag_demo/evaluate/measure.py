"""Figures of a ranking, and how sure they are. Pure functions.

Ranks count from 1; None says that the item was not found.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

_RESAMPLES = 2_000
_SEED = 20_240_101
Ranks = Sequence["int | None"]  # of each gold of one question


class Estimate(NamedTuple):
    """A mean with the bounds of its 95 % confidence interval."""

    mean: float
    low: float
    high: float


def hit_at(ranks: Ranks, k: int) -> float:
    """1 if any gold is among the first ``k``, else 0."""
    return float(any(rank is not None and rank <= k for rank in ranks))


def recall_at(ranks: Ranks, k: int) -> float:
    """Share of the golds among the first ``k``."""
    return sum(rank is not None and rank <= k for rank in ranks) / max(len(ranks), 1)


def reciprocal_rank(ranks: Ranks) -> float:
    """One over the rank of the best gold, 0 if none was found (Voorhees, TREC-8, 1999)."""
    found = [rank for rank in ranks if rank is not None]
    return 1 / min(found) if found else 0.0


def ndcg_at(ranks: Ranks, k: int) -> float:
    """Normalised discounted cumulative gain, every gold worth 1 (Järvelin, Kekäläinen, TOIS 2002)."""
    gained = sum(1 / math.log2(rank + 1) for rank in ranks if rank is not None and rank <= k)
    return gained / sum(1 / math.log2(place + 1) for place in range(1, min(len(ranks), k) + 1)) if ranks else 0.0


def estimate(values: Sequence[float], groups: Sequence[str]) -> Estimate:
    """Mean of ``values`` with the percentile bootstrap over groups: whole groups are drawn again, 2,000 times.

    Questions on one object succeed and fail together, so drawing single questions would promise too much.
    """
    if not values:
        return Estimate(math.nan, math.nan, math.nan)
    numbers = {name: number for number, name in enumerate(dict.fromkeys(groups))}
    index = np.array([numbers[name] for name in groups])
    sums = np.bincount(index, weights=np.array(values, dtype=float))
    sizes = np.bincount(index).astype(float)
    draws = np.random.default_rng(_SEED).multinomial(len(sums), np.full(len(sums), 1 / len(sums)), size=_RESAMPLES)
    means = (draws @ sums) / (draws @ sizes)
    low, high = np.percentile(means, [2.5, 97.5])
    return Estimate(float(np.mean(values)), float(low), float(high))
