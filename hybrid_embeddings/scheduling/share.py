"""How much of the rest shall a lane take, so that everything ends soonest? Pure functions.

While much is waiting, a lane takes what suits it. Near the end that would leave one lane at work while the others
have nothing left to do, so the rows of a batch are chosen by when, as predicted, the last lane would be done.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from hybrid_embeddings.scheduling.batches import rows_in_batch, worth_a_batch_of_its_own

# More rows than this are not looked at one by one: choosing would cost more than it wins.
MOST_ROWS = 256


@dataclass(frozen=True, slots=True)
class Worker:
    """One slot of a lane: ``free_s`` from now it takes work; a batch costs overhead plus seconds per padded token."""

    free_s: float
    overhead_s: float
    seconds_per_token: float

    def seconds(self, padded_tokens: float) -> float:
        """Return the time for one batch."""
        return self.overhead_s + padded_tokens * self.seconds_per_token


def soonest_end_s(workers: Sequence[Worker], tokens: float) -> float:
    """Return when the workers are done if they share tokens as well as can be, in one batch each.

    The T with Σ max(0, T − free_s − overhead_s) / seconds_per_token = tokens; 0 without tokens, infinite without
    workers.
    """
    if tokens <= 0:
        return 0.0
    speed = started = 0.0
    end = float("inf")
    for start_s, speed_here in sorted((each.free_s + each.overhead_s, 1 / each.seconds_per_token) for each in workers):
        if start_s >= end:
            break
        speed += speed_here
        started += start_s * speed_here
        end = (tokens + started) / speed
    return end


def best_rows(
    lengths: Sequence[int], budget: int, me: Worker, others: Sequence[Worker], *, beyond_tokens: int, may_leave: bool
) -> int:
    """Return how many of the first rows a worker should take now.

    It looks for the place to cut: this worker does what is before it, in as many batches as that needs, the others
    do what is behind it. The first of these batches is the answer.

    Args:
        lengths: tokens of waiting rows, sorted, ascending or descending.
        budget: most padded tokens of a batch; a single row may have more.
        me: the worker that asks; it is free now.
        others: all other workers.
        beyond_tokens: tokens that wait besides ``lengths``.
        may_leave: whether it may take nothing.

    Returns:
        Rows; 0: the others are done sooner without this worker.
    """
    if not others:
        return rows_in_batch(lengths, budget)
    rest = list(_costs(lengths[::-1], budget))[::-1]
    mine = list(_costs(lengths, budget))
    best, best_end_s = 0, float("inf")
    for cut in range(0 if may_leave else 1, len(lengths) + 1):
        mine_s = mine[cut - 1].seconds(me) if cut else 0.0
        if mine_s >= best_end_s:
            break  # from here on this worker is the last, and later each time
        others_s = beyond_tokens and soonest_end_s(others, beyond_tokens)
        if cut < len(lengths):
            others_s = _end_s(others, rest[cut], beyond_tokens, max(lengths[cut], lengths[-1]))
        end_s = max(mine_s, others_s)
        if end_s < best_end_s:
            best, best_end_s = cut, end_s
    return rows_in_batch(lengths[:best], budget) if best else 0


@dataclass(frozen=True, slots=True)
class _Cost:
    padded_tokens: int
    n_batches: int

    def seconds(self, worker: Worker) -> float:
        return self.n_batches * worker.overhead_s + self.padded_tokens * worker.seconds_per_token


def _end_s(workers: Sequence[Worker], rest: _Cost, beyond_tokens: int, longest: int) -> float:
    """Return when workers are done with rows whose longest cannot be shared."""
    alone_s = min(worker.free_s + worker.seconds(longest) for worker in workers)
    # One batch per worker is free in the sum below; more cost their overhead.
    overhead_tokens = min(worker.overhead_s / worker.seconds_per_token for worker in workers)
    tokens = rest.padded_tokens + beyond_tokens + max(0, rest.n_batches - len(workers)) * overhead_tokens
    return max(soonest_end_s(workers, tokens), alone_s)


def _costs(lengths: Sequence[int], budget: int) -> Iterator[_Cost]:
    """Yield what the first row costs, the first two, and so on, packed into batches from the first row on."""
    closed, n_batches, start, total = 0, 1, 0, 0
    for index, length in enumerate(lengths):
        total += length
        padded = (index + 1 - start) * max(length, lengths[start])
        if index > start and (padded > budget or worth_a_batch_of_its_own(padded, total)):
            closed += (index - start) * max(lengths[index - 1], lengths[start])
            n_batches, start, total, padded = n_batches + 1, index, length, length
        yield _Cost(closed + padded, n_batches)
