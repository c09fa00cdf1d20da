"""How much of the rest shall a lane take, so that everything ends soonest? Pure functions.

While much is waiting, a lane takes what suits it. Near the end that would leave one lane at work while the others
have nothing left to do, so the rows of a batch are chosen by when, as predicted, the last lane would be done.
"""

from __future__ import annotations

import bisect
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from operator import ge
from typing import NamedTuple

from hybrid_embeddings.scheduling.batches import OVERHEAD_TOKENS, rows_in_batch, worth_a_batch_of_its_own

# More rows than this are not looked at one by one: choosing would cost more than it wins.
MOST_ROWS = 256
# Of so few rows every batch is tried. That takes 0.1 to 0.3 ms, so it is not done where less can be won. Ten texts for
# two lanes, simulated: 0.99 of the speed of the best plan that there is; cuts alone reach 0.97.
_FEW_ROWS = 16
_PLANNING_S = 0.3e-3
# Padding never takes more of a batch than this, whatever a batch is believed to cost.
_MOST_PADDING = 0.25


@dataclass(frozen=True, slots=True)
class Packing:
    """How sorted rows become batches: see :func:`hybrid_embeddings.scheduling.batches.rows_in_batch`."""

    budget: int
    free_padding: int

    def first(self, lengths: Sequence[int]) -> int:
        """Return how many rows make the first batch."""
        return rows_in_batch(lengths, self.budget, free_padding=self.free_padding)

    def sizes(self, lengths: Sequence[int]) -> list[int]:
        """Return the padded tokens of all batches."""
        sizes = []
        while lengths:
            count = self.first(lengths)
            sizes.append(count * max(lengths[0], lengths[count - 1]))
            lengths = lengths[count:]
        return sizes

    def costs(self, lengths: Sequence[int]) -> Iterator[_Cost]:
        """Yield what the first row costs, the first two, and so on."""
        closed, n_batches, start, total = 0, 1, 0, 0
        for index, length in enumerate(lengths):
            total += length
            padded = (index + 1 - start) * max(length, lengths[start])
            is_full = padded > self.budget or worth_a_batch_of_its_own(padded, total, self.free_padding)
            if index > start and is_full:
                closed += (index - start) * max(lengths[index - 1], lengths[start])
                n_batches, start, total, padded = n_batches + 1, index, length, length
            yield _Cost(closed + padded, n_batches)


@dataclass(frozen=True, slots=True)
class Worker:
    """One slot of a lane: ``free_s`` from now it takes work; a batch costs overhead plus seconds per padded token.

    ``batch_tokens`` are the padded tokens of its largest batch.
    """

    free_s: float
    overhead_s: float
    seconds_per_token: float
    batch_tokens: int

    def seconds(self, padded_tokens: float) -> float:
        """Return the time for one batch."""
        return self.overhead_s + padded_tokens * self.seconds_per_token

    def packing(self, budget: int | None = None) -> Packing:
        """Return how rows become batches here. What a batch costs besides its tokens is worth as much padding."""
        most = max(OVERHEAD_TOKENS, int(_MOST_PADDING * self.batch_tokens))
        overhead_tokens = min(int(self.overhead_s / self.seconds_per_token), most)
        return Packing(self.batch_tokens if budget is None else budget, overhead_tokens)


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
    do what is behind it. The first batch of its part is the answer. A few rows that are all that waits are planned to
    the end instead, because a cut that suits all workers may not be there.

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
    packing = me.packing(budget)
    if not others:
        return range(packing.first(lengths))
    # Of the others it is not known who will do what: they are as good as the best of them at packing.
    theirs = max((other.packing() for other in others), key=lambda each: (each.budget, each.free_padding))
    rest = _Rest(lengths, packing, theirs, me, others, beyond_tokens, may_leave)
    if len(lengths) <= _FEW_ROWS and not beyond_tokens:
        return rest.best_of_few() if rest.is_worth_planning() else range(0 if may_leave else packing.first(lengths))
    n_mine = rest.best_cut()
    return range(packing.first(lengths[:n_mine]) if n_mine else 0)


def _dealt_s(sizes: Sequence[int], workers: Sequence[Worker], free_s: list[float], limit_s: float) -> float:
    """Return when the last batch ends if each, the largest first, goes where it is done soonest.

    Longest processing time first (Graham 1969), for workers of different speed. ``free_s`` is used up. At least
    ``limit_s``: not looked at to the end.
    """
    end_s = 0.0
    for size in sorted(sizes, reverse=True):
        soonest_s, chosen = limit_s, -1
        for index, worker in enumerate(workers):
            done_s = free_s[index] + worker.overhead_s + size * worker.seconds_per_token
            if done_s < soonest_s:
                soonest_s, chosen = done_s, index
        if chosen < 0:
            return limit_s
        free_s[chosen] = soonest_s
        end_s = max(end_s, soonest_s)
    return end_s


class _Cost(NamedTuple):
    padded_tokens: int
    n_batches: int

    def seconds(self, worker: Worker) -> float:
        return self.n_batches * worker.overhead_s + self.padded_tokens * worker.seconds_per_token


_NOTHING = _Cost(0, 0)


@dataclass(frozen=True, slots=True)
class _Rest:
    """What is left to do, and by whom; see :func:`best_rows`."""

    lengths: Sequence[int]
    packing: Packing
    theirs: Packing
    me: Worker
    others: Sequence[Worker]
    beyond_tokens: int
    may_leave: bool

    def is_worth_planning(self) -> bool:
        """Tell whether sharing the rows could win more than planning takes, compared to one side doing all."""
        packing = self.theirs if self.may_leave else self.packing
        sizes = packing.sizes(self.lengths)
        return self._alone_s(sizes) - soonest_end_s([self.me, *self.others], sum(sizes)) > _PLANNING_S

    def _alone_s(self, sizes: Sequence[int]) -> float:
        """Return when one side has done all batches: the others if this worker may leave them everything, else it."""
        workers = self.others if self.may_leave else [self.me]
        return _dealt_s(sizes, workers, [worker.free_s for worker in workers], float("inf"))

    def best_of_few(self) -> range:
        """Return the batch, wherever it begins, after which the rest, dealt out in batches, is done soonest."""
        lengths, me, best, best_end_s = self.lengths, self.me, range(0), float("inf")
        workers = [me, *self.others]
        before = [self.theirs.sizes(lengths[:start]) for start in range(len(lengths))]
        behind = [self.theirs.sizes(lengths[stop:]) for stop in range(len(lengths) + 1)]
        if self.may_leave:
            best_end_s = self._alone_s(behind[0])
        for start in range(len(lengths)):
            for stop in range(start + 1, len(lengths) + 1):
                padded = (stop - start) * max(lengths[start], lengths[stop - 1])
                mine_s = me.seconds(padded)
                if mine_s >= best_end_s or (padded > self.packing.budget and stop > start + 1):
                    break
                sizes, free_s = before[start] + behind[stop], [mine_s, *(other.free_s for other in self.others)]
                end_s = max(mine_s, _dealt_s(sizes, workers, free_s, best_end_s))
                if end_s < best_end_s:
                    best, best_end_s = range(start, stop), end_s
        return best

    def best_cut(self) -> int:
        """Return how many rows are before the best cut: about where this worker is done when the others are."""
        lengths = self.lengths
        behind = [*list(self.theirs.costs(lengths[::-1]))[::-1], _NOTHING]
        mine = [_NOTHING, *self.packing.costs(lengths)]

        def ends_s(cut: int) -> tuple[float, float]:
            longest = max(lengths[cut], lengths[-1]) if cut < len(lengths) else 0
            return mine[cut].seconds(self.me), self._others_s(behind[cut], longest)

        fewest = 0 if self.may_leave else 1
        # Later cuts keep this worker longer and the others shorter.
        last = bisect.bisect_left(range(len(lengths)), True, lo=fewest, key=lambda cut: ge(*ends_s(cut)))
        return min(range(max(last - 1, fewest), last + 1), key=lambda cut: max(ends_s(cut)))

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
