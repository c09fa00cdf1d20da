"""Budget policies on a lane whose best batch size and free memory drift, against an oracle that knows both.

The lane is calculated on a virtual clock, so the result is the same on every machine. Its time is not of the form
that the predictive policy assumes: batches above a knee cost more per token, as when activations leave the caches.

Run ``python benchmarks/budgets.py [--seconds 200] [--seeds 3] [--json docs/results/budgets.json]``.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from common import arguments, median, report

from hybrid_embeddings.experimental.bandit import BanditBudget
from hybrid_embeddings.scheduling.batches import rows_in_batch
from hybrid_embeddings.scheduling.budget import BudgetFacts, BudgetPolicy, FixedBudget, FormulaBudget, MemoryLimit
from hybrid_embeddings.scheduling.predictive import PredictiveBudget

PREFERRED_TOKENS = 2048
_WINDOW_TOKENS = 65_536
_BYTES_PER_TOKEN = 40_000
# What the policies are told: the formula is an upper estimate.
_ESTIMATED_BYTES_PER_TOKEN = 60_000
_NOISE = 0.04
_GRID = [int(64 * 1.1**step) for step in range(60)]  # budgets the oracle chooses from: 64 to 17,700 tokens

Course = Callable[[float], float]
"""A quantity over the run: from the share of the run that is over, 0 to 1, to its value."""


def steady(value: float) -> Course:
    """Return a quantity that does not change."""
    return lambda _: value


def through(*values: float) -> Course:
    """Return a quantity that goes from value to value in straight lines."""

    def course(share: float) -> float:
        place = min(share, 1.0) * (len(values) - 1)
        index = min(int(place), len(values) - 2)
        return values[index] + (values[index + 1] - values[index]) * (place - index)

    return course


def jumping(*values: float) -> Course:
    """Return a quantity that jumps from value to value."""
    return lambda share: values[min(int(share * len(values)), len(values) - 1)]


@dataclass(frozen=True, slots=True)
class Scenario:
    """How a lane behaves over a run."""

    knee_tokens: Course  # above, a token costs three times as much
    memory_tokens: Course  # what fits
    overhead_s: Course = steady(0.008)
    seconds_per_token: float = 2.5e-5
    is_memory_known: bool = True

    def seconds(self, padded_tokens: float, share: float) -> float:
        """Return the time of a batch without noise."""
        beyond = max(0.0, padded_tokens - self.knee_tokens(share))
        return self.overhead_s(share) + self.seconds_per_token * (padded_tokens + 2 * beyond)

    def best_budget(self, share: float) -> int:
        """Return the budget with most tokens per second among those that fit."""
        fitting = [size for size in _GRID if size <= self.memory_tokens(share)] or _GRID[:1]
        return max(fitting, key=lambda size: size / self.seconds(size, share))


SCENARIOS = {
    "steady, the preferred size is best": Scenario(steady(2048), steady(1e6)),
    "steady, a larger size is best": Scenario(steady(8192), steady(1e6)),
    "best size drifts": Scenario(through(2048, 512, 8192, 1024, 4096), steady(1e6)),
    "memory drifts": Scenario(steady(4096), through(8192, 700, 8192, 1000, 8192)),
    "both drift": Scenario(through(2048, 512, 8192, 1024, 4096), through(8192, 700, 8192, 1000, 8192)),
    "both drift, memory unknown": Scenario(
        through(2048, 512, 8192, 1024, 4096), through(8192, 700, 8192, 1000, 8192), is_memory_known=False
    ),
    "both jump": Scenario(jumping(2048, 512, 8192, 1024), jumping(8192, 1500, 8192, 700, 8192), jumping(0.008, 0.002)),
}


def policies() -> dict[str, BudgetPolicy]:
    """Return fresh policies."""
    memory = MemoryLimit(_ESTIMATED_BYTES_PER_TOKEN)
    return {
        "fixed": FixedBudget(),
        "formula": FormulaBudget(memory, target_s=0.5),
        "predictive": PredictiveBudget(memory),
        "bandit": BanditBudget(memory),
    }


class Texts:
    """Endless lengths, sorted within windows as in the queue of the engine."""

    def __init__(self, seed: int) -> None:
        self._rng = random.Random(seed)
        self._window: list[int] = []

    def take(self, budget: int) -> list[int]:
        """Remove and return the lengths of one batch."""
        if not self._window:
            while sum(self._window[-400:]) < _WINDOW_TOKENS and len(self._window) < 400:
                self._window.append(self._rng.randint(5, 400))
            self._window.sort()
        count = rows_in_batch(self._window, budget)
        taken, self._window = self._window[:count], self._window[count:]
        return taken

    def give_back(self, lengths: list[int]) -> None:
        """Take back a batch that did not fit."""
        self._window = lengths + self._window


@dataclass(slots=True)
class Run:
    """What one policy reached."""

    n_tokens: int = 0
    n_batches: int = 0
    n_out_of_memory: int = 0


def drive(scenario: Scenario, policy: BudgetPolicy | None, *, seconds: float, seed: int) -> Run:
    """Run one policy, or the oracle, for a virtual time."""
    texts, noise, run, now_s = Texts(seed), random.Random(seed + 1), Run(), 0.0
    while now_s < seconds:
        share = now_s / seconds
        room = scenario.memory_tokens(share)
        free = int(room * _BYTES_PER_TOKEN) if scenario.is_memory_known else None
        budget = policy.budget(BudgetFacts(PREFERRED_TOKENS, free)) if policy else scenario.best_budget(share)
        lengths = texts.take(budget)
        padded = len(lengths) * max(lengths)
        took_s = scenario.seconds(padded, share) * noise.uniform(1 - _NOISE, 1 + _NOISE)
        # A single row that does not fit would go to another lane.
        if padded > room and len(lengths) > 1:
            run.n_out_of_memory += 1
            texts.give_back(lengths)
            now_s += took_s / 2
            if policy:
                policy.shrink(padded)
            continue
        now_s += took_s
        run.n_tokens += sum(lengths)
        run.n_batches += 1
        if policy:
            policy.observe(padded, took_s, padded * _BYTES_PER_TOKEN if scenario.is_memory_known else None)
    return run


def compare(scenario: Scenario, *, seconds: float, seeds: int) -> dict[str, dict[str, Any]]:
    """Return per policy the throughput relative to the oracle, and what it did; medians over the seeds."""
    rows: dict[str, list[dict[str, Any]]] = {}
    for seed in range(seeds):
        best = drive(scenario, None, seconds=seconds, seed=seed)
        for name, policy in policies().items():
            run = drive(scenario, policy, seconds=seconds, seed=seed)
            facts = {
                "of_oracle": run.n_tokens / best.n_tokens,
                "out_of_memory": run.n_out_of_memory,
                "adjustments": policy.stats.adjustments,
                "time_error": policy.stats.time_error,
                "memory_error": policy.stats.memory_error,
            }
            rows.setdefault(name, []).append(facts)
    return {name: {fact: _median([row[fact] for row in found]) for fact in found[0]} for name, found in rows.items()}


def _median(values: list[Any]) -> float | None:
    return None if None in values else round(median(values), 3)


def main() -> None:
    """Compare all policies in all scenarios."""
    options = arguments("Budget policies on a drifting lane.", seconds=200, seeds=3)
    found = {
        name: compare(scenario, seconds=options.seconds, seeds=options.seeds) for name, scenario in SCENARIOS.items()
    }
    for name, rows in found.items():
        print(name, *(f"{policy} {row['of_oracle']:.3f}" for policy, row in rows.items()), sep="  ")
    best = {name: max(rows, key=lambda policy: rows[policy]["of_oracle"]) for name, rows in found.items()}
    report({"virtual_seconds": options.seconds, "policies": found, "best": best}, options.json)


if __name__ == "__main__":
    main()
