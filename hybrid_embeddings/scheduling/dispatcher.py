"""The heart of the engine: callers submit items, lanes pull batches, vectors go back to the callers.

Work-pulling is the hybrid mode. There is no split ratio: a lane that is free takes the next batch that fits it,
so its share follows from its own speed. Two rules keep a slow lane from slowing a call down: it takes a batch
only if it will be done before the faster lanes have emptied the queue, and it leaves a query to a faster lane that
would answer sooner (:mod:`policy`).
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Hashable, Sequence

import numpy as np

from hybrid_embeddings.errors import (
    BadVector,
    EncodeError,
    LaneError,
    LaneOutOfMemory,
    NoLaneAvailable,
    Overloaded,
    ServiceClosed,
)
from hybrid_embeddings.scheduling.lane import LaneState, LaneThreads, Running
from hybrid_embeddings.scheduling.policy import MAX_TRIES_PER_LANE, Policy, matches
from hybrid_embeddings.scheduling.queue import WorkQueue
from hybrid_embeddings.scheduling.work import Item, Job
from hybrid_embeddings.types import Batch, Vectors

_WINDOW_BATCHES = 16


class Dispatcher:
    """Owns the queue, the lanes and their threads. All state is guarded by one lock."""

    def __init__(
        self,
        states: Sequence[LaneState],
        *,
        dimension: int,
        max_queued_tokens: int,
        operation_timeout_s: float,
        hybrid: bool = True,
        on_computed: Callable[[Sequence[Item], Vectors], None] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Start the lanes. ``on_computed`` gets items with their finite vectors, (n, dim), before anybody else does.

        It is called on the threads of the lanes, so it must be quick, and must not raise.
        """
        self.states = list(states)
        self._dimension = dimension
        self._max_queued_tokens = max_queued_tokens
        self._operation_timeout_s = operation_timeout_s
        self._policy = Policy(self.states, hybrid=hybrid, clock=clock)
        self._on_computed = on_computed
        self._clock = clock
        self._lock = threading.Lock()
        self._changed = threading.Condition(self._lock)
        self._queue = WorkQueue(window_tokens=_WINDOW_BATCHES * max(state.budget_tokens for state in states))
        self._in_flight: dict[Hashable, Item] = {}
        self._last_query_s = float("-inf")
        self._closed = False
        self._threads = [LaneThreads(state, self._pull, self._report) for state in self.states]
        self._watchdog = threading.Thread(target=self._watch, name="hybrid-embeddings-watchdog", daemon=True)
        self._watchdog.start()

    # ---------------------------------------------------------------- callers

    def submit(self, job: Job, items: Sequence[Item], *, first_row: int = 0) -> None:
        """Queue items for a job; its row ``first_row + i`` is ``items[i]``. An equal item in flight is shared.

        Raises:
            Overloaded: the queue is full; nothing was queued.
            ServiceClosed: after :meth:`close`.
        """
        new_tokens = sum(item.length for item in items)
        with self._lock:
            if self._closed:
                raise ServiceClosed("the embedding service is closed")
            self._admit(new_tokens)
            for row, item in enumerate(items, start=first_row):
                self._join_or_queue(job, row, item)
            stranded = self._strand()
            self._changed.notify_all()
        _fail_all(stranded)

    def withdraw(self, job: Job) -> None:
        """Forget a job: items that nobody else waits for leave the queue. Others are not affected."""
        with self._lock:
            orphans = set()
            for item in self._queue:
                item.subscribers[:] = [pair for pair in item.subscribers if pair[0] is not job]
                if not item.subscribers:
                    orphans.add(id(item))
                    self._in_flight.pop(item.key, None)
            self._queue.discard(orphans)

    def close(self, timeout_s: float = 10.0) -> bool:
        """Stop: waiting callers get :class:`ServiceClosed`, running batches end. Idempotent.

        Returns:
            False if a lane hangs in native code; its thread is left behind, and the lane is not closed.
        """
        self._stop(ServiceClosed("the embedding service was closed before this call ended"))
        ended = [threads.join(timeout_s) for threads in self._threads]
        self._watchdog.join(timeout_s)
        for state, is_over in zip(self.states, ended, strict=True):
            if is_over:
                state.lane.close()
        return all(ended)

    def _stop(self, reason: EncodeError) -> None:
        """Take no more work, and tell everybody who waits why."""
        with self._lock:
            self._closed = True
            waiting = {job for item in self._in_flight.values() for job, _ in item.subscribers}
            self._in_flight.clear()
            self._queue.discard({id(item) for item in self._queue})
            self._changed.notify_all()
        for job in waiting:
            job.fail(reason)

    @property
    def queued_tokens(self) -> int:
        """Tokens that wait for a lane."""
        with self._lock:
            return self._queue.n_tokens

    def _admit(self, new_tokens: int) -> None:
        queued = self._queue.n_tokens
        # A single call that is larger than the limit is let through when nothing else waits.
        if queued and queued + new_tokens > self._max_queued_tokens:
            speed = sum(state.tokens_per_s for state in self.states if state.usable) or 1.0
            raise Overloaded(
                f"{queued:,} tokens are queued, {new_tokens:,} more would exceed the limit of "
                f"{self._max_queued_tokens:,} (EMBEDDING_MAX_QUEUED_TOKENS)",
                retry_after_s=round(queued / speed, 3),
            )

    def _join_or_queue(self, job: Job, row: int, item: Item) -> None:
        if item.is_query:
            self._last_query_s = self._clock()
        existing = self._in_flight.get(item.key)
        if existing is None:
            item.subscribers.append((job, row))
            self._in_flight[item.key] = item
            self._queue.put(item)
            return
        existing.subscribers.append((job, row))
        if item.is_query and not existing.is_query:
            existing.is_query = True
            if not any(existing in running.items for state in self.states for running in state.running):
                self._queue.discard({id(existing)})
                self._queue.put(existing)

    # ------------------------------------------------------------------ lanes

    def _pull(self, state: LaneState) -> Running | None:
        """Wait for a batch for this lane; None when the service closes. Runs on the lane's threads."""
        try:
            with self._lock:
                while not self._closed:
                    running = self._next(state)
                    if running is not None:
                        return running
                    retry_s = state.breaker.retry_in_s()
                    # A breaker opens again by time alone, so nobody would wake this thread.
                    self._changed.wait(None if retry_s is None else max(retry_s, 0.001))
        except Exception as error:  # a defect of ours: callers must hear of it rather than wait for ever
            self._stop(EncodeError(f"internal error while scheduling: {type(error).__name__}: {error}"))
            raise
        return None

    def _next(self, state: LaneState) -> Running | None:
        if not self._queue.n_items or not state.breaker.allow():
            return None
        items = self._queue.take_queries(self._policy.acceptor(state, queries=True), state.budget_tokens)
        items = items or self._take_bulk(state)
        if not items:
            state.breaker.abandon_trial()
            return None
        batch = Batch(tuple(item.text for item in items), items[0].prompt_tokens, items[0].exact)
        beside = frozenset(other.name for other in self.states if other.running)
        running = Running(items, batch, self._clock(), state.cost.predict_s(batch.padded_tokens), beside)
        state.running.append(running)
        self._changed.notify_all()  # the watchdog learns of a new deadline, other lanes of a shorter queue
        return running

    def _take_bulk(self, state: LaneState) -> list[Item]:
        accepts = self._policy.acceptor(state)
        pilot = self._queue.shortest_bulk(accepts)
        if pilot is None:
            return []
        budget = self._policy.bulk_budget(state, pilot, self._queue.n_tokens, self._last_query_s)
        if budget <= 0:
            return []
        return self._queue.take_bulk(accepts, budget, longest_first=self._policy.is_fastest(state, pilot))

    # ---------------------------------------------------------------- results

    def _report(self, state: LaneState, running: Running, outcome: Vectors | Exception) -> None:
        """Take what a lane made of a batch. Runs on the lane's threads."""
        finished: list[Job] = []
        failed: list[tuple[Job, Exception]] = []
        running.ran_s = self._clock() - running.started_s
        good: list[bool] = []
        if not isinstance(outcome, Exception):
            outcome = _check_shape(outcome, len(running.items), self._dimension)
        if not isinstance(outcome, Exception):
            good = [bool(row) for row in np.isfinite(outcome).all(axis=1)]
            if self._on_computed is not None and any(good):
                self._on_computed([item for item, ok in zip(running.items, good, strict=True) if ok], outcome[good])
        with self._lock:
            state.running.remove(running)
            if isinstance(outcome, Exception):
                self._take_failure(state, running, outcome)
            else:
                finished = self._take_vectors(state, running, outcome, good)
            failed += self._strand()
            self._changed.notify_all()
        for job in finished:
            job.succeed()
        _fail_all(failed)

    def _take_vectors(self, state: LaneState, running: Running, vectors: Vectors, good: list[bool]) -> list[Job]:
        """Hand vectors to the jobs; return those that have all of theirs."""
        finished: list[Job] = []
        state.breaker.success()
        if not running.given_up:
            state.learn(running, running.ran_s)
            self._policy.note_finished(state, running, running.ran_s)
        counters = state.counters
        counters.n_batches += 1
        counters.n_texts += len(running.items)
        counters.n_tokens += sum(item.length for item in running.items)
        counters.n_padded_tokens += running.batch.padded_tokens
        counters.busy_s += running.ran_s
        for item, vector, is_good in zip(running.items, vectors, good, strict=True):
            if item.done:
                continue  # another lane was faster after this one was given up
            if not is_good:
                self._retry_bad_row(state, item)
                continue
            item.done = True
            self._in_flight.pop(item.key, None)
            finished += [job for job, row in item.subscribers if job.deliver(row, vector, state.name)]
        return finished

    def _retry_bad_row(self, state: LaneState, item: Item) -> None:
        if item.exact or state.lane.numeric_class == "float32":
            item.failures.setdefault(state.name, []).append("the vector is not finite")
        item.exact = True
        if item.subscribers and not self._closed:
            self._queue.put_back(item)

    def _take_failure(self, state: LaneState, running: Running, error: Exception) -> None:
        text = f"{type(error).__name__}: {error}"
        state.last_error = text
        if isinstance(error, LaneOutOfMemory):
            state.counters.n_out_of_memory += 1
            state.breaker.abandon_trial()
            state.shrink(running)
        elif not running.given_up:
            state.counters.n_failures += 1
            state.breaker.failure()
        only_row = len(running.items) == 1
        for item in running.items:
            if item.done or running.given_up:
                continue
            if not isinstance(error, LaneOutOfMemory):
                item.failures.setdefault(state.name, []).append(text)
            elif only_row:  # one row is the smallest batch: this lane cannot do it
                item.failures[state.name] = [text] * MAX_TRIES_PER_LANE
            self._requeue(item)

    def _requeue(self, item: Item) -> None:
        if item.subscribers and not self._closed:
            self._queue.put_back(item)

    def _strand(self) -> list[tuple[Job, Exception]]:
        """Remove items that no lane can do any more; return who has to be told what."""
        healthy = all(state.usable for state in self.states)
        if self._closed or (healthy and not any(item.failures for item in self._queue)):
            return []
        lost = [item for item in self._queue if not self._policy.candidates(item)]
        told: list[tuple[Job, Exception]] = []
        for item in lost:
            item.done = True
            self._in_flight.pop(item.key, None)
            told += [(job, self._why_lost(item, row)) for job, row in item.subscribers]
        self._queue.discard(set(map(id, lost)))
        return told

    def _why_lost(self, item: Item, row: int) -> EncodeError:
        if item.exact and item.failures:
            return BadVector("every lane gave a vector with NaN or infinity, in float32, too", index=row)
        causes = {
            state.name: item.failures[state.name][-1] if state.name in item.failures else state.why_unusable()
            for state in self.states
            if matches(state, item)
        }
        return NoLaneAvailable("no device could compute the vectors:", causes=causes)

    # --------------------------------------------------------------- watchdog

    def _watch(self) -> None:
        """Give up batches that overrun the operation time-out, and hand their items to other lanes."""
        while True:
            with self._lock:
                if self._closed:
                    return
                for state in self.states:
                    for running in state.running:
                        if self._clock() - running.started_s >= self._operation_timeout_s and not running.given_up:
                            self._give_up(state, running)
                told = self._strand()
                if not told:
                    self._changed.wait(self._next_deadline_s())
            _fail_all(told)

    def _next_deadline_s(self) -> float | None:
        starts = [run.started_s for state in self.states for run in state.running if not run.given_up]
        if not starts:
            return None
        return max(min(starts) + self._operation_timeout_s - self._clock(), 0.001)

    def _give_up(self, state: LaneState, running: Running) -> None:
        running.given_up = True
        state.last_error = f"no result after {self._operation_timeout_s:g} s (EMBEDDING_OPERATION_TIMEOUT)"
        state.counters.n_failures += 1
        state.breaker.failure()
        for item in running.items:
            if not item.done:
                item.failures[state.name] = [state.last_error] * MAX_TRIES_PER_LANE
                self._requeue(item)
        self._changed.notify_all()


def _check_shape(vectors: Vectors, n_rows: int, dimension: int) -> Vectors | Exception:
    if vectors.shape != (n_rows, dimension):
        return LaneError(f"expected vectors of shape {(n_rows, dimension)}, got {vectors.shape}")
    return vectors


def _fail_all(told: Sequence[tuple[Job, Exception]]) -> None:
    for job, error in told:
        job.fail(error)
