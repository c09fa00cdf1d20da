"""How large may the next batch of a lane be? Budget policies: pure, without threads and clocks.

A budget counts padded tokens (rows × longest row). It only bounds a batch: a single row that is longer is still sent
alone, so a budget of 1 means "one row". Whatever a policy wishes, :class:`CeilingBudget` keeps it within the ceiling
(:mod:`ceiling`) that out of memory has set.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import deque
from dataclasses import dataclass
from typing import Protocol

from hybrid_embeddings.scheduling.ceiling import Ceiling

# Free memory is never used up to the last byte: allocators round up, and others need memory, too.
MEMORY_SHARE = 0.8
# A budget follows measured speed and growing memory in steps of this size, so that it does not change all the time.
_STEP = 1.1
_TIMINGS = 9


@dataclass(frozen=True, slots=True)
class BudgetFacts:
    """What a policy may know about its lane before it chooses."""

    preferred_tokens: int  # what suits the device, or what the user has set
    free_bytes: int | None = None  # free memory of the device; None: unknown


@dataclass(frozen=True, slots=True)
class BudgetStats:
    """What a policy did so far, for statistics."""

    policy: str
    adjustments: int  # how often the budget has changed
    ceiling_tokens: int | None  # set by out of memory; None: that has not happened
    time_error: float | None = None  # mean absolute relative error of predicted seconds, of the latest batches
    memory_error: float | None = None  # the same for predicted bytes


class BudgetPolicy(Protocol):
    """Chooses the budget of one lane. Called under the lock of the dispatcher; must not block."""

    def budget(self, facts: BudgetFacts) -> int:
        """Return the padded tokens that the next batch may have; at least 1, at most the ceiling."""

    def observe(self, padded_tokens: int, seconds: float, peak_bytes: int | None = None) -> None:
        """Learn from a batch that went well; ``peak_bytes`` is the memory it took, None if nobody knows."""

    def shrink(self, padded_tokens: int) -> None:
        """Note that a batch did not fit into memory. Budgets stay below it until many batches went well."""

    @property
    def stats(self) -> BudgetStats:
        """Counters and errors so far."""


class CeilingBudget(ABC):
    """Base of the policies: holds the ceiling and counts adjustments. Subclasses say what they would like."""

    name = "ceiling"

    def __init__(self) -> None:
        self._limit = Ceiling()
        self._last: int | None = None
        self._adjustments = 0

    def budget(self, facts: BudgetFacts) -> int:
        """See :class:`BudgetPolicy`."""
        wish = self._wish(facts)
        chosen = max(1, wish if self._ceiling is None else min(wish, self._ceiling))
        self._adjustments += self._last is not None and chosen != self._last
        self._last = chosen
        return chosen

    def observe(self, padded_tokens: int, seconds: float, peak_bytes: int | None = None) -> None:
        """See :class:`BudgetPolicy`."""
        self._limit.went_well(padded_tokens)
        self._learn(padded_tokens, seconds, peak_bytes)

    def shrink(self, padded_tokens: int) -> None:
        """See :class:`BudgetPolicy`."""
        self._limit.failed(padded_tokens)

    @property
    def _ceiling(self) -> int | None:
        return self._limit.tokens

    def _learn(  # noqa: B027 - a policy need not learn
        self, padded_tokens: int, seconds: float, peak_bytes: int | None
    ) -> None:
        """Learn from a batch that went well."""

    @property
    def stats(self) -> BudgetStats:
        """See :class:`BudgetPolicy`."""
        return BudgetStats(self.name, self._adjustments, self._ceiling)

    @abstractmethod
    def _wish(self, facts: BudgetFacts) -> int:
        """Return the budget without regard to the ceiling."""


class FixedBudget(CeilingBudget):
    """What suits the device, always; only out of memory makes it smaller."""

    name = "fixed"

    def _wish(self, facts: BudgetFacts) -> int:
        return facts.preferred_tokens


@dataclass(frozen=True, slots=True)
class MemoryLimit:
    """How many bytes one batch may take.

    Args:
        bytes_per_token: expected memory of a batch per padded token.
        n_slots: batches that the lane runs at the same time; they share the memory.
        max_bytes: limit set by the user for all of them together; None: only free memory counts.
    """

    bytes_per_token: float
    n_slots: int = 1
    max_bytes: int | None = None

    def bytes_for_batch(self, free_bytes: int | None) -> float:
        """Return the bytes for one batch; infinite if neither free memory nor a limit is known."""
        limits = [float("inf")]
        if free_bytes is not None:
            limits.append(MEMORY_SHARE * free_bytes)
        if self.max_bytes is not None:
            limits.append(self.max_bytes)
        return min(limits) / self.n_slots


def activation_bytes_per_token(hidden: int, *, max_tokens: int | None, bytes_per_number: int) -> float:
    """Return the memory that a transformer needs per padded token while it computes vectors, in bytes.

    One layer holds ``s·b·h·(34 + 5·a·s/h)`` bytes of activations at 16 bits per number (Korthikanti et al. 2022,
    *Reducing Activation Recomputation in Large Transformer Models*, arXiv:2205.05198, equation 1), that is
    ``34·h + 5·a·s`` per token. Without gradients the layers use the same memory one after the other, so one layer is
    the peak. It is an upper estimate: masks of dropout are counted, and the 5·a·s for the scores of attention vanish
    where a fused kernel runs.

    Args:
        hidden: h, the width of the model.
        max_tokens: longest row; s is taken as at most 512, because longer rows run on fused kernels.
        bytes_per_number: 4 for float32, 2 for half precision.
    """
    heads = max(1, hidden // 32)  # 32 numbers per head in small models, 64 in large ones: the larger count is safe
    width = min(max_tokens or 512, 512)
    return (34 * hidden + 5 * heads * width) * bytes_per_number / 2


class FormulaBudget(CeilingBudget):
    """What suits the device, cut to what fits into free memory and into a time per batch.

    ``min(preferred, bytes_for_batch / bytes_per_token, target_s / seconds_per_token)``. For ``bytes_per_token`` see
    :func:`activation_bytes_per_token`; ``seconds_per_token`` is the median of the latest large batches, because the
    first ones compile kernels and small ones measure mainly overhead.
    """

    name = "formula"

    def __init__(self, memory: MemoryLimit, *, target_s: float | None = None) -> None:
        """Start.

        Args:
            memory: what a batch may take.
            target_s: seconds that a batch shall take at most; None: no limit.
        """
        super().__init__()
        self._memory = memory
        self._target_s = target_s
        self._seconds_per_token: deque[float] = deque(maxlen=_TIMINGS)
        self._tokens_in_time = float("inf")

    def _learn(self, padded_tokens: int, seconds: float, peak_bytes: int | None) -> None:
        del peak_bytes  # the memory of a batch is not learned
        if self._target_s is None or padded_tokens * 2 < (self._last or 1) or seconds <= 0:
            return
        self._seconds_per_token.append(seconds / padded_tokens)
        if len(self._seconds_per_token) == _TIMINGS:
            tokens = self._target_s / sorted(self._seconds_per_token)[_TIMINGS // 2]
            if not self._tokens_in_time / _STEP <= tokens <= self._tokens_in_time * _STEP:
                self._tokens_in_time = tokens

    def _wish(self, facts: BudgetFacts) -> int:
        limit = min(
            float(facts.preferred_tokens),
            self._memory.bytes_for_batch(facts.free_bytes) / self._memory.bytes_per_token,
            self._tokens_in_time,
        )
        if self._last is not None and self._last < limit < min(self._last * _STEP, facts.preferred_tokens):
            return self._last
        return int(limit)
