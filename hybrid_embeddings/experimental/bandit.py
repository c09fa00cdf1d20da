"""A budget policy that learns by trial which size is fastest, without a model of the lane."""

from __future__ import annotations

import math
from dataclasses import dataclass

from hybrid_embeddings.scheduling.budget import BudgetFacts, CeilingBudget, MemoryLimit

_FACTORS = (0.125, 0.25, 0.5, 1.0, 2.0, 4.0)


@dataclass(slots=True)
class _Arm:
    """Discounted number of batches of one size, and their discounted sum of tokens per second."""

    weight: float = 0.0
    speed_sum: float = 0.0

    @property
    def speed(self) -> float:
        return self.speed_sum / self.weight


class BanditBudget(CeilingBudget):
    """Discounted UCB over a geometric grid of budgets (sizes around what suits the device).

    Garivier & Moulines 2011, *On Upper-Confidence Bound Policies for Switching Bandit Problems* (ALT): the arm with the
    largest discounted mean reward plus ``2B·√(ξ·ln n/N)`` is played; n and N are the discounted numbers of all batches
    and of the arm's. The reward is tokens per second relative to the fastest arm. A batch counts for the arm that is
    nearest in size, because a batch may be smaller than its budget. Arms above the ceiling or above free memory are
    not played.
    """

    name = "bandit"

    def __init__(self, memory: MemoryLimit, *, discount: float = 0.99, exploration: float = 0.05) -> None:
        """Start.

        Args:
            memory: what a batch may take.
            discount: weight of the past per batch, the γ of the paper.
            exploration: the ``2B·√ξ`` of the paper; smaller than its 2·√0.6, which is made for proofs.
        """
        super().__init__()
        self._memory = memory
        self._discount = discount
        self._exploration = exploration
        self._arms: dict[int, _Arm] = {}

    def _learn(self, padded_tokens: int, seconds: float, peak_bytes: int | None) -> None:
        del peak_bytes  # the memory of a batch is not learned
        if not self._arms or seconds <= 0 or padded_tokens * 2 < min(self._arms):
            return
        nearest = min(self._arms, key=lambda size: abs(math.log(size / padded_tokens)))
        for arm in self._arms.values():
            arm.weight *= self._discount
            arm.speed_sum *= self._discount
        self._arms[nearest].weight += 1.0
        self._arms[nearest].speed_sum += padded_tokens / seconds

    def _wish(self, facts: BudgetFacts) -> int:
        if not self._arms:
            self._arms = {max(1, int(facts.preferred_tokens * factor)): _Arm() for factor in _FACTORS}
        room = self._memory.bytes_for_batch(facts.free_bytes) / self._memory.bytes_per_token
        largest = room if self._ceiling is None else min(room, self._ceiling)
        allowed = [size for size in self._arms if size <= largest]
        if not allowed:
            return int(largest)
        # From the middle outwards: the size that suits the device is tried first.
        untried = [size for size in allowed if not self._arms[size].weight]
        if untried:
            return min(untried, key=lambda size: abs(math.log(size / facts.preferred_tokens)))
        return self._best(allowed)

    def _best(self, allowed: list[int]) -> int:
        total = sum(arm.weight for arm in self._arms.values())
        fastest = max(self._arms[size].speed for size in allowed)

        def index(size: int) -> float:
            arm = self._arms[size]
            bonus = self._exploration * math.sqrt(max(math.log(total), 0.0) / arm.weight)
            return arm.speed / fastest + bonus

        return max(allowed, key=index)
