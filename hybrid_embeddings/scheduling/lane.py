"""What the dispatcher knows about a lane, and the threads that run it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

from hybrid_embeddings.ports import Lane
from hybrid_embeddings.resilience.breaker import Breaker
from hybrid_embeddings.scheduling.batches import OVERHEAD_TOKENS
from hybrid_embeddings.scheduling.budget import BudgetFacts, BudgetPolicy, FixedBudget
from hybrid_embeddings.scheduling.cost import CostModel
from hybrid_embeddings.scheduling.joint import JointGain
from hybrid_embeddings.scheduling.share import Worker
from hybrid_embeddings.scheduling.work import Item
from hybrid_embeddings.types import Batch, MemoryReading, Vectors


@dataclass(slots=True, eq=False)
class Running:
    """A batch that a lane is working on."""

    items: list[Item]
    batch: Batch
    started_s: float
    expected_s: float
    beside: frozenset[str] = frozenset()  # lanes that were at work when this batch began
    given_up: bool = False  # the lane overran the operation time-out; others do the work
    memory: MemoryReading = MemoryReading()  # of the device, right after the batch
    good_rows: list[bool] = field(default_factory=list)  # whose vectors are finite; filled when they are there


@dataclass(slots=True)
class LaneCounters:
    """Totals since the start, for statistics."""

    n_batches: int = 0
    n_texts: int = 0
    n_tokens: int = 0
    n_padded_tokens: int = 0
    busy_s: float = 0.0
    n_failures: int = 0
    n_out_of_memory: int = 0


@dataclass(slots=True, eq=False)
class LaneState:
    """A lane with everything learned about it. Guarded by the lock of the dispatcher."""

    lane: Lane
    breaker: Breaker
    cost: CostModel
    budget_tokens: int  # padded tokens of the next batch, by ``budget``; given: what suits the device
    counters: LaneCounters = field(default_factory=LaneCounters)
    running: list[Running] = field(default_factory=list)
    last_error: str = ""
    joint: JointGain = field(default_factory=JointGain)
    budget: BudgetPolicy = field(default_factory=FixedBudget)
    read_memory: Callable[[], MemoryReading] = MemoryReading
    largest_since_peak: int = 0
    free_bytes: int | None = None  # of the device, as last read
    preferred_tokens: int = field(init=False)

    def __post_init__(self) -> None:
        self.preferred_tokens = self.budget_tokens
        self._choose_budget(self.read_memory())

    def learn(self, running: Running, seconds: float) -> None:
        """Take the time and memory of a batch that went well into account for the next ones."""
        padded_tokens = running.batch.padded_tokens
        self.cost.observe(padded_tokens, seconds)
        self.largest_since_peak = max(self.largest_since_peak, padded_tokens)
        peak_bytes = running.memory.peak_bytes
        if peak_bytes is not None:
            # A device tells its peak now and then, over all slots: it belongs to the largest batch since then.
            is_largest = padded_tokens == self.largest_since_peak
            peak_bytes = peak_bytes // (1 + len(self.running)) if is_largest else None
            self.largest_since_peak = 0
        self.budget.observe(padded_tokens, seconds, peak_bytes)
        self._choose_budget(running.memory)

    def shrink(self, running: Running) -> None:
        """Make the next batches smaller than one that did not fit into memory."""
        self.budget.shrink(running.batch.padded_tokens)
        self._choose_budget(running.memory)

    def _choose_budget(self, memory: MemoryReading) -> None:
        self.free_bytes = memory.free_bytes
        self.budget_tokens = self.budget.budget(BudgetFacts(self.preferred_tokens, memory.free_bytes))

    @property
    def name(self) -> str:
        """Name of the lane."""
        return self.lane.name

    @property
    def n_hung(self) -> int:
        """Slots whose batch was given up and has not come back."""
        return sum(running.given_up for running in self.running)

    @property
    def usable(self) -> bool:
        """Whether it makes sense to wait for this lane."""
        return self.n_hung < self.lane.n_slots and self.breaker.state != "open"

    @property
    def tokens_per_s(self) -> float:
        """Padded tokens per second with all slots busy."""
        return self.lane.n_slots * self.cost.tokens_per_s

    def runs(self, *, queries: bool) -> bool:
        """Tell whether a batch of queries, or one of bulk work, is under way."""
        return any(run.items[0].is_query is queries for run in self.running if not run.given_up)

    def query_wait_s(self, now_s: float) -> float:
        """Return the expected seconds until queries are taken: when a slot is free and no batch of them is at work."""
        if self.runs(queries=True):
            return max(self._left_s(run, now_s) for run in self.running if run.items[0].is_query)
        return min((worker.free_s for worker in self.workers(now_s)), default=0.0)

    def workers(self, now_s: float) -> list[Worker]:
        """Return the slots that are not lost in a batch that was given up, with when each will be free."""
        busy = [self._left_s(run, now_s) for run in self.running if not run.given_up]
        n_free = max(self.lane.n_slots - len(self.running), 0)
        return [self.worker(free_s) for free_s in [0.0] * n_free + busy]

    @staticmethod
    def _left_s(running: Running, now_s: float) -> float:
        return max(0.0, running.started_s + running.expected_s - now_s)

    def worker(self, free_s: float) -> Worker:
        """Return a slot that is free in ``free_s`` seconds, with what batches cost on it."""
        overhead_s, per_token_s = self.cost.coefficients
        return Worker(free_s, max(overhead_s, OVERHEAD_TOKENS * per_token_s), per_token_s, self.budget_tokens)

    def why_unusable(self) -> str:
        """Return one line for error messages."""
        if self.n_hung >= self.lane.n_slots:
            return "hangs in native code"
        retry = self.breaker.retry_in_s()
        wait = "" if retry is None else f"; tried again in {retry:.0f} s"
        return f"out of service after failures, last: {self.last_error or 'unknown'}{wait}"


class LaneThreads:
    """One thread per slot of a lane: pull a batch, run it, report."""

    def __init__(
        self,
        state: LaneState,
        pull: Callable[[LaneState], Running | None],
        report: Callable[[LaneState, Running, Vectors | Exception], None],
    ) -> None:
        self._state = state
        self._pull = pull
        self._report = report
        self._threads = [
            threading.Thread(target=self._loop, name=f"hybrid-embeddings-{state.name}-{slot}", daemon=True)
            for slot in range(state.lane.n_slots)
        ]
        for thread in self._threads:
            thread.start()

    def _loop(self) -> None:
        while (running := self._pull(self._state)) is not None:
            outcome: Vectors | Exception
            try:
                outcome = self._state.lane.run(running.batch)
            # A lane is foreign code: whatever it raises must reach the callers and must not end this thread.
            except Exception as error:  # noqa: BLE001 - see above
                outcome = error
            # Read here, because reports are taken under a lock. Without a reading only the ceiling bounds batches.
            with suppress(Exception):
                running.memory = self._state.read_memory()
            self._report(self._state, running, outcome)

    def join(self, timeout_s: float) -> bool:
        """Wait for the threads; return False if one is still inside the lane."""
        for thread in self._threads:
            if thread is not threading.current_thread():
                thread.join(timeout_s)
        return not any(thread.is_alive() for thread in self._threads)
