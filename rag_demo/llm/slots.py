"""How many answers may be made at once, and how many chats may wait for one."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Callable, Iterator

import anyio

from rag_demo.errors import LlmOverloaded
from rag_demo.llm.ports import Place

_FIRST_GUESS_S = 10.0  # of an answer, before any was made
_WEIGHT = 0.2  # of the newest answer in the average
_SHORTEST_S, _LONGEST_S = 1.0, 120.0


class Slots:
    """``concurrency`` slots in the order of arrival, and ``queue`` places to wait. Belongs to one event loop."""

    def __init__(self, *, concurrency: int, queue: int, clock: Callable[[], float]) -> None:
        self._concurrency = concurrency
        self._places = concurrency + queue
        self._taken = 0
        self._semaphore = anyio.Semaphore(concurrency)
        self._clock = clock
        self._average_s = _FIRST_GUESS_S

    @contextlib.contextmanager
    def reserve(self) -> Iterator[Place]:
        """Claim a place; see `LanguageModel.reserve`."""
        if self._taken >= self._places:
            raise LlmOverloaded(
                f"{self._taken} chats are served or wait already. Try again later.", retry_after_s=self._retry_after_s()
            )
        self._taken += 1
        try:
            yield Place()
        finally:
            self._taken -= 1

    @contextlib.asynccontextmanager
    async def take(self, place: Place | None, *, timeout_s: float) -> AsyncIterator[None]:
        """Wait for a slot and hold it. A place is claimed first where none is given.

        Raises:
            LlmOverloaded: there is no place, or no slot came free in time.
        """
        with contextlib.nullcontext(place) if place else self.reserve():
            try:
                with anyio.fail_after(timeout_s):
                    await self._semaphore.acquire()
            except TimeoutError:
                raise LlmOverloaded(
                    f"No slot came free within {timeout_s:g} s. Try again later.", retry_after_s=self._retry_after_s()
                ) from None
            started = self._clock()
            try:
                yield
            finally:
                self._semaphore.release()
                self._average_s += _WEIGHT * (self._clock() - started - self._average_s)

    def _retry_after_s(self) -> float:
        """When half of those who wait will have been served, as far as one can tell."""
        waiting = max(0, self._taken - self._concurrency)
        return min(_LONGEST_S, max(_SHORTEST_S, self._average_s * (1 + waiting / 2 / self._concurrency)))
