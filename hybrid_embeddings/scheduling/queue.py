"""Waiting items: queries in order of arrival, bulk work call by call, in windows sorted by length.

A window holds as much as about sixteen batches of one call; within it lanes take rows of similar length. Whose turn it
is depends on when a call came and how much of it was served, so nothing waits for ever. Not thread-safe: the
dispatcher's lock guards it.
"""

from __future__ import annotations

import bisect
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from itertools import chain, dropwhile, islice
from operator import attrgetter

from hybrid_embeddings.scheduling import batches
from hybrid_embeddings.scheduling.work import Item

# Queries of different length share a batch as long as it has no more padding than this, in tokens: those that are left
# behind wait for a whole batch more.
_QUERY_PADDING = 192
# See WorkQueue. Simulated, with callers of 8 and of 64 documents who keep a lane busy: 0: all wait for 1.0 s; 1.5: 0.40
# and 1.45 s; 2: 0.37 and 1.7 s; the same speed for all: 0.3 and 2.2 s.
_OWN_WEIGHT = 1.25

Accepts = Callable[[Item], bool]
Choose = Callable[[Sequence[Item]], range]


def _length(item: Item) -> int:
    return item.length


class _Call:
    """What waits of one call, in windows that are sorted by length; the oldest window comes first."""

    __slots__ = ("_newest_tokens", "number", "turn_tokens", "windows")

    def __init__(self, number: int, turn_tokens: float) -> None:
        self.number = number
        self.turn_tokens = turn_tokens
        self.windows: deque[list[Item]] = deque()
        self._newest_tokens = 0

    def put(self, item: Item, window_tokens: int) -> None:
        if not self.windows or self._newest_tokens + item.length > window_tokens:
            self.windows.append([])
            self._newest_tokens = 0
        bisect.insort(self.windows[-1], item, key=_length)
        self._newest_tokens += item.length

    def drop(self, gone: set[int]) -> None:
        n_left = len(gone)
        for window in self.windows:
            kept = [item for item in window if id(item) not in gone]
            n_left -= len(window) - len(kept)
            window[:] = kept
            if not n_left:
                break  # a batch is in the first windows, and a call may have hundreds
        while self.windows and not self.windows[0]:
            self.windows.popleft()

    def serve(self, taken: Sequence[Item]) -> None:
        self.turn_tokens += _OWN_WEIGHT * sum(map(_length, taken))
        self.drop(set(map(id, taken)))


class WorkQueue:
    """Items that wait for a lane.

    Calls share the lanes by virtual time, as in fair queueing (Demers, Keshav, Shenker 1989): next is the call with
    the least (tokens served of all calls when it came + ``_OWN_WEIGHT`` × tokens served of its own). With a weight of
    0 calls would be served one after the other, and a small one would wait for a large one to end; with a large
    weight all would go on at the same speed, and a large one would wait for all small ones that come meanwhile. In
    between, a call of n tokens waits for about ``_OWN_WEIGHT`` × n tokens of calls that come after it, never for more.
    """

    def __init__(self, *, window_tokens: int) -> None:
        self._window_tokens = window_tokens
        self._queries: deque[Item] = deque()
        self._calls: dict[int, _Call] = {}
        self._served_tokens = 0
        self.n_items = 0
        self.n_tokens = 0
        self.n_returned = 0

    def put(self, item: Item) -> None:
        """Add an item; queries go before everything else."""
        self.n_items += 1
        self.n_tokens += item.length
        if item.is_query:
            self._queries.append(item)
            return
        call = self._calls.get(item.turn)
        if call is None:
            call = self._calls[item.turn] = _Call(item.turn, self._served_tokens)
        call.put(item, self._window_tokens)

    def put_back(self, item: Item) -> None:
        """Return an item whose lane failed: it has waited long enough, so it goes first."""
        self.n_items += 1
        self.n_tokens += item.length
        self.n_returned += 1
        item.returned = True
        self._queries.appendleft(item)

    def take_queries(self, accepts: Accepts, budget: int, *, free_padding: int = 0) -> list[Item]:
        """Remove and return waiting queries that one batch can hold: the oldest, and those of a length like it.

        ``free_padding`` is what padding costs nothing on the lane: as much as a batch costs besides its tokens.
        """
        pilot = next((item for item in self._queries if accepts(item)), None)
        if pilot is None:
            return []
        same = [item for item in self._queries if item is pilot or (_alike(item, pilot) and accepts(item))]
        same = same[: batches.fill_in_order([item.length for item in same], budget)]
        same.sort(key=_length)
        place = next(index for index, item in enumerate(same) if item is pilot)
        free_padding = max(_QUERY_PADDING, free_padding)
        rows = batches.rows_with(place, [item.length for item in same], budget, free_padding=free_padding)
        taken = same[rows.start : rows.stop]
        chosen = set(map(id, taken))
        self._queries = deque(item for item in self._queries if id(item) not in chosen)
        return self._removed(taken)

    def take_bulk(self, accepts: Accepts, choose: Choose, *, most_rows: int, longest_first: bool) -> list[Item]:
        """Remove and return one batch: an item of the call whose turn it is, and others next to it in length.

        Args:
            accepts: which items the lane may take.
            choose: which of some items, sorted by length; next to each other, or none.
            most_rows: ``choose`` is shown at most so many.
            longest_first: from which end of the oldest window of the call they come.
        """
        calls = sorted(self._calls.values(), key=attrgetter("turn_tokens"))  # equal ones: in order of arrival
        for call in calls:
            for window in call.windows:
                pilot = next(filter(accepts, reversed(window) if longest_first else window), None)
                if pilot is not None:
                    candidates = self._next_to(pilot, window, calls, longest_first=longest_first)
                    shown = list(islice(filter(accepts, candidates), most_rows))
                    chosen = choose(shown)
                    return self._serve(shown[chosen.start : chosen.stop])
        return []

    def _next_to(
        self, pilot: Item, window: list[Item], calls: Sequence[_Call], *, longest_first: bool
    ) -> Iterator[Item]:
        """Yield a pilot of a window and what may share its batch, by length: of its own and of other calls."""
        found, n_tokens = [window], 0
        for call in calls:
            if n_tokens >= self._window_tokens:
                break
            if call.windows[0] is not window:
                found.append(call.windows[0])
                n_tokens += sum(map(_length, call.windows[0]))
        ordered = window if len(found) == 1 else sorted(chain.from_iterable(found), key=_length)
        beginning = dropwhile(lambda item: item is not pilot, reversed(ordered) if longest_first else ordered)
        return (item for item in beginning if _alike(item, pilot))

    def discard(self, items: set[int]) -> None:
        """Forget items, given by ``id()``: nobody waits for them any more."""
        if not items:
            return
        self._removed([item for item in self if id(item) in items])
        self._queries = deque(item for item in self._queries if id(item) not in items)
        for call in list(self._calls.values()):
            call.drop(items)
            self._forget_if_ended(call)

    def __iter__(self) -> Iterator[Item]:
        yield from self._queries
        for call in self._calls.values():
            yield from chain.from_iterable(call.windows)

    def _serve(self, taken: list[Item]) -> list[Item]:
        for number in {item.turn for item in taken}:
            call = self._calls[number]
            call.serve([item for item in taken if item.turn == number])
            self._forget_if_ended(call)
        self._served_tokens += sum(map(_length, taken))
        return self._removed(taken)

    def _forget_if_ended(self, call: _Call) -> None:
        if not call.windows:
            del self._calls[call.number]

    def _removed(self, items: list[Item]) -> list[Item]:
        self.n_items -= len(items)
        for item in items:
            self.n_tokens -= item.length
            self.n_returned -= item.returned
            item.returned = False
        return items


def _alike(one: Item, other: Item) -> bool:
    """Tell whether two items may share a batch."""
    return one.prompt_tokens == other.prompt_tokens and one.exact == other.exact
