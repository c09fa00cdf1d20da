"""The heart of the engine: callers submit items, lanes pull batches, vectors go back to the callers.

Work-pulling is the hybrid mode. There is no split ratio: a lane that is free takes the next batch that fits it,
so its share follows from its own speed. Two rules keep a slow lane from slowing a call down: it takes a batch
only if it will be done before the faster lanes have emptied the queue, and it leaves a query to a faster lane that
would answer sooner (:mod:`policy`).
"""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable, Hashable, Sequence

from hybrid_embeddings.errors import EncodeError, Overloaded, ServiceClosed
from hybrid_embeddings.events import Event, Events
from hybrid_embeddings.scheduling import share, telling
from hybrid_embeddings.scheduling.lane import LaneState, LaneThreads, Running
from hybrid_embeddings.scheduling.outcomes import Outcomes, checked, tell
from hybrid_embeddings.scheduling.policy import Policy
from hybrid_embeddings.scheduling.queue import WorkQueue
from hybrid_embeddings.scheduling.watchdog import Watchdog
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
        clock: Callable[[], float] = time.monotonic,
        on_computed: Callable[[Sequence[Item], Vectors], None] | None = None,
        events: Events | None = None,
    ) -> None:
        """Start the lanes. ``on_computed`` gets items with their finite vectors, (n, dim), before anybody else does.

        It is called on the threads of the lanes, so it must be quick, and must not raise.
        """
        self.states = list(states)
        self._dimension = dimension
        self._max_queued_tokens = max_queued_tokens
        self._operation_timeout_s = operation_timeout_s
        self._clock = clock
        self._lock = threading.Lock()
        # One per lane, so that a call wakes no more threads than can have work.
        self._has_work = {state.name: threading.Condition(self._lock) for state in self.states}
        self._room = threading.Condition(self._lock)
        self._queue = WorkQueue(window_tokens=_WINDOW_BATCHES * max(state.budget_tokens for state in states))
        self._in_flight: dict[Hashable, Item] = {}
        self._policy = Policy(self.states, hybrid=hybrid, clock=clock)
        self._outcomes = Outcomes(self.states, self._queue, self._in_flight, self._policy)
        self._on_computed = on_computed
        self._events = events if events is not None else Events()
        self._turns = itertools.count()
        self._last_query_s = float("-inf")
        self._closed = False
        self._threads = [LaneThreads(state, self._pull, self._report) for state in self.states]
        self._watchdog = Watchdog(
            self.states, self._lock, timeout_s=operation_timeout_s, clock=clock, overrun=self._give_up
        )

    # ---------------------------------------------------------------- callers

    def submit(self, job: Job, items: Sequence[Item], *, first_row: int = 0) -> None:
        """Queue items for a job; its row ``first_row + i`` is ``items[i]``. An equal item in flight is shared.

        A job is admitted with its first piece. The rest of it waits for room by itself (:meth:`wait_for_room`).

        Raises:
            Overloaded: the queue is full; nothing was queued.
            ServiceClosed: after :meth:`close`.
        """
        new_tokens = sum(item.length for item in items)
        with self._lock:
            if self._closed:
                raise ServiceClosed("the embedding service is closed")
            if not first_row:
                self._admit(new_tokens)
                job.turn = next(self._turns)
            for row, item in enumerate(items, start=first_row):
                self._join_or_queue(job, row, item)
            stranded = self._outcomes.strand()
            self._wake(self._queue.n_items)
        tell(stranded)

    def wait_for_room(self, timeout_s: float) -> bool:
        """Wait until the queue is below its limit; False if the time is over before. Also True after :meth:`close`."""
        with self._lock:
            return self._room.wait_for(lambda: self._closed or self._has_room(0), timeout_s)

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

    def why_idle(self, state: LaneState) -> str:
        """Return one line on why a lane gets no work; empty if it gets some."""
        with self._lock:
            return self._policy.why_idle(state)

    def close(self, timeout_s: float = 10.0, *, before_lanes: Callable[[], None] = lambda: None) -> bool:
        """Stop: waiting callers get :class:`ServiceClosed`, running batches end. Idempotent.

        Args:
            timeout_s: seconds to wait for running batches.
            before_lanes: called when no batch runs any more, before the lanes give back their memory: what still
                works with results on other threads must not do so while native code is being torn down.

        Returns:
            False if a lane hangs in native code; its thread is left behind, and the lane is not closed.
        """
        self._stop(ServiceClosed("the embedding service was closed before this call ended"))
        ended = [threads.join(timeout_s) for threads in self._threads]
        self._watchdog.join(timeout_s)
        before_lanes()
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
            for has_work in self._has_work.values():
                has_work.notify_all()
            self._room.notify_all()
            self._watchdog.stop()
        for job in waiting:
            job.fail(reason)

    @property
    def queued_tokens(self) -> int:
        """Tokens that wait for a lane."""
        with self._lock:
            return self._queue.n_tokens

    def _admit(self, new_tokens: int) -> None:
        if not self._has_room(new_tokens):
            queued = self._queue.n_tokens
            speed = sum(state.tokens_per_s for state in self.states if state.usable) or 1.0
            raise Overloaded(
                f"{queued:,} tokens are queued, {new_tokens:,} more would exceed the limit of "
                f"{self._max_queued_tokens:,} (EMBEDDING_MAX_QUEUED_TOKENS)",
                retry_after_s=round(queued / speed, 3),
            )

    def _has_room(self, new_tokens: int) -> bool:
        # A single call that is larger than the limit is let through when nothing else waits.
        queued = self._queue.n_tokens
        return not queued or queued + new_tokens <= self._max_queued_tokens

    def _join_or_queue(self, job: Job, row: int, item: Item) -> None:
        if item.is_query:
            self._last_query_s = self._clock()
        existing = self._in_flight.get(item.key)
        if existing is None:
            item.turn = job.turn
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
                    # A breaker lets work through again by time alone: nobody would wake this thread for what waits.
                    retry_s = state.breaker.retry_in_s() if self._queue.n_items else None
                    self._has_work[state.name].wait(None if retry_s is None else max(retry_s, 0.001))
        except Exception as error:
            self._defect(error)
            raise
        return None

    def _next(self, state: LaneState) -> Running | None:
        if not self._queue.n_items or not state.breaker.allow():
            return None
        items = self._take_queries(state) or self._take_bulk(state)
        if not items:
            state.breaker.abandon_trial()
            return None
        batch = Batch(tuple(item.text for item in items), items[0].prompt_tokens, items[0].exact)
        beside = frozenset(other.name for other in self.states if other.running)
        running = Running(items, batch, self._clock(), state.cost.predict_s(batch.padded_tokens), beside)
        state.running.append(running)
        self._room.notify_all()
        self._wake(self._queue.n_items)  # a lane that left the work to this one may think otherwise now
        return running

    def _take_queries(self, state: LaneState) -> list[Item]:
        # One batch at a time: those that come meanwhile go together in the next one. A second slot would take the
        # first of them at once, and many small batches take longer than a few large ones.
        if state.runs(queries=True):
            return []
        packing = state.worker(0.0).packing()
        accepts = self._policy.acceptor(state, queries=True)
        return self._queue.take_queries(accepts, packing.budget, free_padding=packing.free_padding)

    def _take_bulk(self, state: LaneState) -> list[Item]:
        def choose(items: Sequence[Item]) -> range:
            return self._policy.bulk_rows(state, items, self._queue.n_tokens, self._last_query_s)

        accepts = self._policy.acceptor(state)
        from_long_end = self._policy.is_fastest(state)
        return self._queue.take_bulk(accepts, choose, most_rows=share.MOST_ROWS, longest_first=from_long_end)

    def _wake(self, n_items: int) -> None:
        """Let lanes look for work: of each as many threads as there are items."""
        if n_items:
            for has_work in self._has_work.values():
                has_work.notify(n_items)

    def _report(self, state: LaneState, running: Running, outcome: Vectors | Exception) -> None:
        """Take what a lane made of a batch. Runs on the lane's threads."""
        try:
            outcome = checked(running, outcome, self._dimension)
            self._remember(running, outcome)
            with self._lock:
                seconds = self._clock() - running.started_s
                before = telling.Before.of(state)
                ended = self._outcomes.take(state, running, outcome, seconds)
                told = before.events(state, running, outcome, seconds) if self._events else []
                self._wake(self._queue.n_items)
        except Exception as error:
            self._defect(error)
            raise
        self._emit(told)
        tell(ended)

    def _emit(self, told: Sequence[Event]) -> None:
        for event in told:
            self._events.emit(event)

    def _remember(self, running: Running, outcome: Vectors | Exception) -> None:
        if self._on_computed is None or isinstance(outcome, Exception) or not any(running.good_rows):
            return
        good = running.good_rows
        self._on_computed([item for item, ok in zip(running.items, good, strict=True) if ok], outcome[good])

    def _defect(self, error: Exception) -> None:
        """Tell callers of a defect of ours: they must hear of it rather than wait for ever."""
        self._stop(EncodeError(f"internal error while scheduling: {type(error).__name__}: {error}"))

    def _give_up(self, late: Sequence[tuple[LaneState, Running]]) -> None:
        """Hand the items of batches that overrun the operation time-out to other lanes."""
        why = f"no result after {self._operation_timeout_s:g} s (EMBEDDING_OPERATION_TIMEOUT)"
        told: list[Event] = []
        with self._lock:
            for state, running in late:
                if running in state.running:  # else it has come back meanwhile
                    before = telling.Before.of(state)
                    self._outcomes.give_up(state, running, why)
                    told += [telling.given_up(state, running), *before.changes(state)]
            stranded = self._outcomes.strand()
            self._wake(self._queue.n_items)
        self._emit(told)
        tell(stranded)
