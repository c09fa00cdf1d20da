"""What becomes of the items of a batch: vectors to the callers, failures back into the queue or to the callers."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence

import numpy as np

from hybrid_embeddings.errors import BadVector, EncodeError, LaneError, LaneOutOfMemory, NoLaneAvailable
from hybrid_embeddings.scheduling.lane import LaneState, Running
from hybrid_embeddings.scheduling.policy import MAX_TRIES_PER_LANE, Policy, matches
from hybrid_embeddings.scheduling.queue import WorkQueue
from hybrid_embeddings.scheduling.work import Item, Job
from hybrid_embeddings.types import Vectors

Told = list[tuple[Job, "Exception | None"]]
"""Jobs that have ended, with their error if they failed. They are told when no lock is held (:func:`tell`)."""


def tell(ended: Iterable[tuple[Job, Exception | None]]) -> None:
    """End the futures of jobs; whoever waits for them runs at once, so no lock may be held."""
    for job, error in ended:
        if error is None:
            job.succeed()
        else:
            job.fail(error)


class Outcomes:
    """Books results and failures. Called under the lock of the dispatcher, which owns queue and policy, too."""

    def __init__(
        self, states: Sequence[LaneState], queue: WorkQueue, in_flight: dict[Hashable, Item], policy: Policy
    ) -> None:
        self._states = states
        self._queue = queue
        self._in_flight = in_flight
        self._policy = policy

    def take(self, state: LaneState, running: Running, outcome: Vectors | Exception, seconds: float) -> Told:
        """Take what a lane made of a batch, ``seconds`` after it began: vectors (rows, dim) or an error."""
        state.running.remove(running)
        ended: Told = []
        if isinstance(outcome, Exception):
            self._take_failure(state, running, outcome)
        else:
            self._take_vectors(state, running, outcome, seconds, ended)
        return ended + self.strand()

    def give_up(self, state: LaneState, running: Running, why: str) -> None:
        """Stop waiting for a batch that overruns its time; other lanes do its items."""
        running.given_up = True
        state.last_error = why
        state.counters.n_failures += 1
        state.breaker.failure()
        for item in running.items:
            if not item.done:
                item.failures[state.name] = [why] * MAX_TRIES_PER_LANE
                self._requeue(item)

    def strand(self) -> Told:
        """Remove items that no lane can do any more; return who has to be told what."""
        if not self._queue.n_items or (not self._queue.n_returned and all(state.usable for state in self._states)):
            return []
        lost = [item for item in self._queue if not self._policy.candidates(item)]
        told: Told = []
        for item in lost:
            item.done = True
            self._in_flight.pop(item.key, None)
            told += [(job, self._why_lost(item, row)) for job, row in item.subscribers]
        self._queue.discard(set(map(id, lost)))
        return told

    def _take_vectors(self, state: LaneState, running: Running, vectors: Vectors, seconds: float, ended: Told) -> None:
        state.breaker.success()
        if not running.given_up:
            state.learn(running, seconds)
            self._policy.note_finished(state, running, seconds)
        counters = state.counters
        counters.n_batches += 1
        counters.n_texts += len(running.items)
        counters.n_tokens += sum(item.length for item in running.items)
        counters.n_padded_tokens += running.batch.padded_tokens
        counters.busy_s += seconds
        for item, vector, is_good in zip(running.items, vectors, running.good_rows, strict=True):
            if item.done:
                continue  # another lane was faster after this one was given up
            if is_good:
                item.done = True
                self._in_flight.pop(item.key, None)
                ended += [(job, None) for job, row in item.subscribers if job.deliver(row, vector, state.name)]
            elif not running.given_up:  # else it waits for another lane already
                self._retry_bad_row(state, item)

    def _retry_bad_row(self, state: LaneState, item: Item) -> None:
        if item.exact or state.lane.numeric_class == "float32":
            item.failures.setdefault(state.name, []).append("the vector is not finite")
        item.exact = True
        self._requeue(item)

    def _take_failure(self, state: LaneState, running: Running, error: Exception) -> None:
        text = f"{type(error).__name__}: {error}"
        state.last_error = text
        is_memory = isinstance(error, LaneOutOfMemory)
        if is_memory:
            state.counters.n_out_of_memory += 1
            state.breaker.abandon_trial()
            state.shrink(running)
        elif not running.given_up:
            state.counters.n_failures += 1
            state.breaker.failure()
        if running.given_up:
            return
        for item in running.items:
            if item.done:
                continue
            if not is_memory:
                item.failures.setdefault(state.name, []).append(text)
            elif len(running.items) == 1:  # one row is the smallest batch: this lane cannot do it
                item.failures[state.name] = [text] * MAX_TRIES_PER_LANE
            self._requeue(item)

    def _requeue(self, item: Item) -> None:
        if item.subscribers:
            self._queue.put_back(item)

    def _why_lost(self, item: Item, row: int) -> EncodeError:
        if item.exact and item.failures:
            return BadVector("every lane gave a vector with NaN or infinity, in float32, too", index=row)
        causes = {
            state.name: item.failures[state.name][-1] if state.name in item.failures else state.why_unusable()
            for state in self._states
            if matches(state, item)
        }
        return NoLaneAvailable("no device could compute the vectors:", causes=causes)


def checked(running: Running, outcome: Vectors | Exception, dimension: int) -> Vectors | Exception:
    """Look at the vectors of a batch, without a lock: shape, and which rows are finite (``running.good_rows``)."""
    if isinstance(outcome, Exception):
        return outcome
    expected = (len(running.items), dimension)
    if outcome.shape != expected:
        return LaneError(f"expected vectors of shape {expected}, got {outcome.shape}")
    is_finite = np.asarray(np.isfinite(outcome).all(axis=1))
    running.good_rows = [bool(each) for each in is_finite]
    return outcome
