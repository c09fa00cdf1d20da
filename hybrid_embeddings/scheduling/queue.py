"""Waiting items: queries in order of arrival, bulk in windows sorted by length.

A window holds as much as about sixteen batches. Within it lanes take rows of similar length; windows are
emptied in order of arrival, so nothing waits for ever. Not thread-safe: the dispatcher's lock guards it.
"""

from __future__ import annotations

import bisect
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from itertools import islice

from hybrid_embeddings.scheduling import batches
from hybrid_embeddings.scheduling.work import Item

# Queries of different length share a batch as long as it has no more padding than this, in tokens: those that are left
# behind wait for a whole batch more.
_QUERY_PADDING = 192

Accepts = Callable[[Item], bool]
Choose = Callable[[Sequence[Item]], int]


def _length(item: Item) -> int:
    return item.length


class WorkQueue:
    """Items that wait for a lane."""

    def __init__(self, *, window_tokens: int) -> None:
        self._window_tokens = window_tokens
        self._queries: deque[Item] = deque()
        self._windows: deque[list[Item]] = deque()
        self._newest_tokens = 0
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
        if not self._windows or self._newest_tokens + item.length > self._window_tokens:
            self._windows.append([])
            self._newest_tokens = 0
        bisect.insort(self._windows[-1], item, key=_length)
        self._newest_tokens += item.length

    def put_back(self, item: Item) -> None:
        """Return an item whose lane failed: it has waited long enough, so it goes first."""
        self.n_items += 1
        self.n_tokens += item.length
        self.n_returned += 1
        item.returned = True
        self._queries.appendleft(item)

    def take_queries(self, accepts: Accepts, budget: int) -> list[Item]:
        """Remove and return waiting queries that one batch can hold: the oldest, and those of a length like it."""
        pilot = next((item for item in self._queries if accepts(item)), None)
        if pilot is None:
            return []
        same = [item for item in self._queries if item is pilot or (_alike(item, pilot) and accepts(item))]
        same = same[: batches.fill_in_order([item.length for item in same], budget)]
        same.sort(key=_length)
        place = next(index for index, item in enumerate(same) if item is pilot)
        rows = batches.rows_with(place, [item.length for item in same], budget, free_padding=_QUERY_PADDING)
        taken = same[rows.start : rows.stop]
        chosen = set(map(id, taken))
        self._queries = deque(item for item in self._queries if id(item) not in chosen)
        return self._removed(taken)

    def take_bulk(self, accepts: Accepts, choose: Choose, *, most_rows: int, longest_first: bool) -> list[Item]:
        """Remove and return one batch of the oldest window that has something for a lane.

        Args:
            accepts: which items the lane may take.
            choose: how many of the first of some items, sorted by length; 0: none.
            most_rows: ``choose`` is shown at most so many.
            longest_first: from which end of the window they come.
        """
        for window in self._windows:
            order = reversed(window) if longest_first else iter(window)
            eligible = (item for item in order if accepts(item))
            pilot = next(eligible, None)
            if pilot is not None:
                alike = (item for item in eligible if _alike(item, pilot))
                candidates = [pilot, *islice(alike, most_rows - 1)]
                taken = candidates[: choose(candidates)]
                self._drop(window, taken)
                return self._removed(taken)
        return []

    def discard(self, items: set[int]) -> None:
        """Forget items, given by ``id()``: nobody waits for them any more."""
        for container in [self._queries, *self._windows]:
            gone = [item for item in container if id(item) in items]
            if gone:
                kept = [item for item in container if id(item) not in items]
                container.clear()
                container.extend(kept)
                self._removed(gone)
        self._drop_empty_windows()

    def __iter__(self) -> Iterator[Item]:
        yield from self._queries
        for window in self._windows:
            yield from window

    def _drop(self, window: list[Item], taken: list[Item]) -> None:
        count = len(taken)
        if not count:
            return
        if window[:count] == taken:
            del window[:count]
        elif window[-count:] == taken[::-1]:
            del window[-count:]
        else:
            chosen = set(map(id, taken))
            window[:] = [item for item in window if id(item) not in chosen]
        self._drop_empty_windows()

    def _drop_empty_windows(self) -> None:
        while self._windows and not self._windows[0]:
            self._windows.popleft()
        if not self._windows:
            self._newest_tokens = 0

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
