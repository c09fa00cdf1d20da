"""Which lane may take which item now.

For every item that any lane can do there is always one lane, the fastest of its candidates, that accepts it as soon
as it is free; all rules below only keep *other* lanes from taking it. So nothing waits for ever.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from hybrid_embeddings.scheduling import share
from hybrid_embeddings.scheduling.lane import LaneState, Running
from hybrid_embeddings.scheduling.work import Item

MAX_TRIES_PER_LANE = 2
# After a query bulk batches stay this short for a while, and a lane runs one at a time, so that the next query does
# not wait long: at most for one of them. Shorter ones would cost bulk work more than queries win.
QUERY_QUIET_S = 1.0
_BULK_SLICE_S = 0.05
_MIN_SLICE_TOKENS = 256


class Policy:
    """Decisions over a fixed set of lanes. Called under the lock of the dispatcher."""

    def __init__(self, states: Sequence[LaneState], *, hybrid: bool, clock: Callable[[], float]) -> None:
        self._states = states
        self._clock = clock
        # Without hybrid mode one lane works alone: the fastest at the start, whatever later measurements say, so
        # that noise does not move the work back and forth.
        self._alone = [] if hybrid else sorted(states, key=lambda state: -state.tokens_per_s)

    def candidates(self, item: Item) -> list[LaneState]:
        """Return the lanes that can do an item at all; empty: it is lost."""
        return [
            state
            for state in self._states
            if state.usable and matches(state, item) and len(item.failures.get(state.name, ())) < MAX_TRIES_PER_LANE
        ]

    def acceptor(self, state: LaneState, *, queries: bool = False) -> Callable[[Item], bool]:
        """Return the question "may this lane take this item now?" as a function of the item."""
        usual = self._preferred([other for other in self._states if other.usable], state)

        def accepts(item: Item) -> bool:
            plain = item.device is None and not item.failures
            rivals = usual if plain else self._preferred(self._without_failures(item), state)
            if rivals is None:
                return False
            return not (queries and item.is_query) or self._is_soonest(state, rivals, item.length)

        return accepts

    def _without_failures(self, item: Item) -> list[LaneState]:
        """Return the candidates of an item; if some have not failed on it yet, only those."""
        candidates = self.candidates(item)
        return [state for state in candidates if state.name not in item.failures] or candidates

    def _preferred(self, candidates: list[LaneState], state: LaneState) -> list[LaneState] | None:
        """Return the faster rivals of a lane among candidates; None if the lane may not work on the item."""
        if state not in candidates:
            return None
        if self._alone:
            return [] if state is next(other for other in self._alone if other in candidates) else None
        return self._faster(candidates, state)

    def _faster(self, candidates: list[LaneState], state: LaneState) -> list[LaneState]:
        rank = {id(other): index for index, other in enumerate(self._states)}
        mine = (state.tokens_per_s, -rank[id(state)])
        return [other for other in candidates if (other.tokens_per_s, -rank[id(other)]) > mine]

    def _is_soonest(self, state: LaneState, rivals: list[LaneState], length: int) -> bool:
        now = self._clock()
        mine = state.cost.predict_s(length)
        return all(rival.query_wait_s(now) + rival.cost.predict_s(length) >= mine for rival in rivals)

    def is_fastest(self, state: LaneState) -> bool:
        """Tell whether a lane is the fastest of those at work: it starts with the longest texts."""
        return not self._preferred([other for other in self._states if other.usable], state)

    def why_idle(self, state: LaneState) -> str:
        """Return one line on why a lane gets no work; empty for one that gets some, or that nothing was asked of."""
        if not state.usable:
            return state.why_unusable()
        faster = self._preferred([other for other in self._states if other.usable], state)
        if faster is None:
            return "hybrid mode is off: another device works alone"
        if not state.joint.may_work:
            return state.joint.why_not
        if state.counters.n_texts or not any(other.counters.n_texts for other in faster):
            return ""
        times = sum(other.tokens_per_s for other in faster) / state.tokens_per_s
        return f"the faster devices do {times:,.0f} times as much a second: so far they were done sooner without it"

    def bulk_rows(self, state: LaneState, items: Sequence[Item], waiting_tokens: int, last_query_s: float) -> range:
        """Return which items a lane should take now, next to each other.

        Args:
            state: the lane.
            items: what it could take, sorted by length, at most :data:`share.MOST_ROWS`.
            waiting_tokens: tokens in the queue, those of ``items`` among them.
            last_query_s: when the last query came, by the clock.

        Returns:
            Rows next to each other; none: the lane leaves the work to faster ones, or keeps free for queries.
        """
        if state.breaker.state == "half_open":
            return range(1)  # the trial of a lane that failed: due whether or not the lane pays off, and short
        budget = state.budget_tokens
        if self._clock() - last_query_s < QUERY_QUIET_S:
            if state.runs(queries=False):
                return range(0)
            budget = min(budget, max(state.cost.tokens_within(_BULK_SLICE_S), _MIN_SLICE_TOKENS))
        has_rivals = bool(self._preferred(self._without_failures(items[0]), state))
        if has_rivals and not state.joint.may_work:
            return range(0)
        lengths = [item.length for item in items]
        me, others = self._workers(state, items[0])
        full_s = me.seconds(min(budget, waiting_tokens))
        if 2 * full_s <= share.soonest_end_s([me, *others], waiting_tokens):
            return range(me.packing(budget).first(lengths))
        beyond_tokens = waiting_tokens - sum(lengths)
        return share.best_rows(lengths, budget, me, others, beyond_tokens=beyond_tokens, may_leave=has_rivals)

    def _workers(self, state: LaneState, item: Item) -> tuple[share.Worker, list[share.Worker]]:
        """Return a free slot of a lane, and all other slots that may work on an item."""
        at_work = [state] if self._alone else [other for other in self.candidates(item) if other.joint.may_work]
        now_s = self._clock()
        others = [worker for other in at_work for worker in other.workers(now_s)]
        me = next((worker for worker in state.workers(now_s) if worker.free_s <= 0), None) or state.worker(0.0)
        if me in others:
            others.remove(me)
        return me, others

    def note_finished(self, state: LaneState, running: Running, seconds: float) -> None:
        """Let slower lanes learn whether a batch took longer while they were at work (:mod:`joint`)."""
        usable = [other for other in self._states if other.usable]
        for slower in usable:
            rivals = self._faster(usable, slower)
            if state in rivals:
                slower.joint.observe(
                    seconds / running.expected_s,
                    beside=slower.name in running.beside or bool(slower.running),
                    speed_ratio=slower.tokens_per_s / sum(rival.tokens_per_s for rival in rivals),
                )


def matches(state: LaneState, item: Item) -> bool:
    """Tell whether a lane is on the device that the caller insists on; ``cuda`` means any CUDA device."""
    return item.device is None or item.device in {state.lane.device, state.lane.device.split(":")[0]}
