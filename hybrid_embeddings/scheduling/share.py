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
# Of so few rows all parts are tried, in less than a millisecond: ten texts for two lanes are done in 0.975 of the time
# that the sum of both allows, on average over 80 simulated cases, where cuts alone reach 0.95.
_FEW_ROWS = 12


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
) -> range:
    """Return which rows a worker should take now.

    It looks for the place to cut: this worker does what is before it, in as many batches as that needs, the others
    do what is behind it. Of a few rows it may take some from the middle, because a cut that suits both workers may
    not be there. The first batch of its part is the answer.

    Args:
        lengths: tokens of waiting rows, sorted, ascending or descending.
        budget: most padded tokens of a batch; a single row may have more.
        me: the worker that asks; it is free now.
        others: all other workers.
        beyond_tokens: tokens that wait besides ``lengths``.
        may_leave: whether it may take nothing.

    Returns:
        Rows next to each other; none: the others are done sooner without this worker.
    """
    if not others:
        return range(rows_in_batch(lengths, budget))
    rest = _Rest(lengths, budget, me, others, beyond_tokens, may_leave)
    mine = rest.best_of_few() if len(lengths) <= _FEW_ROWS else rest.best_before_cut()
    count = rows_in_batch(lengths[mine.start : mine.stop], budget) if mine else 0
    return range(mine.start, mine.start + count)


@dataclass(frozen=True, slots=True)
class _Cost:
    padded_tokens: int
    n_batches: int

    def seconds(self, worker: Worker) -> float:
        return self.n_batches * worker.overhead_s + self.padded_tokens * worker.seconds_per_token


_NOTHING = _Cost(0, 0)


@dataclass(frozen=True, slots=True)
class _Rest:
    """What is left to do, and by whom; see :func:`best_rows`."""

    lengths: Sequence[int]
    budget: int
    me: Worker
    others: Sequence[Worker]
    beyond_tokens: int
    may_leave: bool

    def best_before_cut(self) -> range:
        """Return the rows before the best cut."""
        lengths = self.lengths
        behind = [*list(_costs(lengths[::-1], self.budget))[::-1], _NOTHING]
        mine = [_NOTHING, *_costs(lengths, self.budget)]
        best, best_end_s = 0, float("inf")
        for cut in range(0 if self.may_leave else 1, len(lengths) + 1):
            mine_s = mine[cut].seconds(self.me)
            if mine_s >= best_end_s:
                break  # from here on this worker is the last, and later each time
            longest = max(lengths[cut], lengths[-1]) if cut < len(lengths) else 0
            end_s = max(mine_s, self._others_s(behind[cut], longest))
            if end_s < best_end_s:
                best, best_end_s = cut, end_s
        return range(best)

    def best_of_few(self) -> range:
        """Return the best rows that are next to each other, wherever they begin."""
        lengths, best = self.lengths, range(0)
        best_end_s = self._without_s(best) if self.may_leave else float("inf")
        for start in range(len(lengths)):
            for stop in range(start + 1, len(lengths) + 1):
                mine_s = _cost(lengths[start:stop], self.budget).seconds(self.me)
                if mine_s >= best_end_s:
                    break
                end_s = max(mine_s, self._without_s(range(start, stop)))
                if end_s < best_end_s:
                    best, best_end_s = range(start, stop), end_s
        return best

    def _without_s(self, rows: range) -> float:
        """Return when the others are done with all rows but these."""
        left = [*self.lengths[: rows.start], *self.lengths[rows.stop :]]
        return self._others_s(_cost(left, self.budget), max(left, default=0))

    def _others_s(self, left: _Cost, longest: int) -> float:
        """Return when the others are done with rows whose longest (0: there are none) cannot be shared."""
        if not longest:
            return soonest_end_s(self.others, self.beyond_tokens)
        alone_s = min(worker.free_s + worker.seconds(longest) for worker in self.others)
        # One batch per worker is free in the sum below; more cost their overhead.
        overhead_tokens = min(worker.overhead_s / worker.seconds_per_token for worker in self.others)
        n_extra = max(0, left.n_batches - len(self.others))
        tokens = left.padded_tokens + self.beyond_tokens + n_extra * overhead_tokens
        return max(soonest_end_s(self.others, tokens), alone_s)


def _cost(lengths: Sequence[int], budget: int) -> _Cost:
    """Return what rows cost, packed into batches."""
    cost = _NOTHING
    for cost in _costs(lengths, budget):  # noqa: B007 - the last one counts
        pass
    return cost


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
