"""Watches one answer: its time limits, and what each part of it took."""

from __future__ import annotations

import dataclasses
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import TypeVar

import anyio

from rag_demo.errors import LlmTimeout
from rag_demo.llm.options import Limits
from rag_demo.llm.types import Event, TextDelta, ThinkingDelta, Usage

_T = TypeVar("_T")


class Deadline:
    """The time limits of one question, all attempts together."""

    def __init__(self, limits: Limits, clock: Callable[[], float]) -> None:
        self._limits = limits
        self._clock = clock
        self._end = clock() + limits.total_s

    @property
    def left_s(self) -> float:
        """Seconds to the end of the total time."""
        return max(0.0, self._end - self._clock())

    async def first(self, awaited: Callable[[], Awaitable[_T]]) -> _T:
        """Await the first token.

        Raises:
            LlmTimeout: it, or the end of the total time, came too late.
        """
        return await self._within(self._limits.first_token_s, "LLM_FIRST_TOKEN_TIMEOUT", "No first token", awaited)

    async def rest(self, events: AsyncGenerator[Event, None]) -> AsyncGenerator[Event, None]:
        """The events that follow the first token, each within the idle time.

        Raises:
            LlmTimeout: one of them, or the end of the total time, came too late.
        """
        while True:
            try:
                event = await self._within(self._limits.idle_s, "LLM_IDLE_TIMEOUT", "No next token", events.__anext__)
            except StopAsyncIteration:
                return
            yield event

    async def _within(self, limit_s: float, name: str, what: str, awaited: Callable[[], Awaitable[_T]]) -> _T:
        left_s = self.left_s
        try:
            with anyio.fail_after(min(limit_s, left_s)):
                return await awaited()
        except TimeoutError:
            if limit_s < left_s:
                raise LlmTimeout(f"{what} within {limit_s:g} s ({name}).") from None
            raise LlmTimeout(f"The answer did not end within {self._limits.total_s:g} s (LLM_TIMEOUT).") from None


class Meter:
    """Measures at the client what the server does not tell. Times of the clock are seconds."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._asked = self._slot = self._sent = clock()
        self._first: float | None = None
        self._last = self._asked
        self.retries = 0

    def slot_taken(self) -> None:
        """The wait for a slot is over."""
        self._slot = self._clock()

    def sent(self) -> None:
        """An attempt starts now; the last one counts."""
        self._sent = self._clock()
        self._first = None

    def saw(self, event: Event) -> Event:
        """Note the time of a delta; complete a `Usage`. Other events pass."""
        if isinstance(event, (TextDelta, ThinkingDelta)):
            self._last = self._clock()
            self._first = self._last if self._first is None else self._first
        return self._completed(event) if isinstance(event, Usage) else event

    def _completed(self, told: Usage) -> Usage:
        now = self._clock()
        first_token_ms = None if self._first is None else (self._first - self._sent) * 1e3
        usage = dataclasses.replace(
            told,
            slot_ms=(self._slot - self._asked) * 1e3,
            first_token_ms=first_token_ms,
            total_ms=(now - self._asked) * 1e3,
            retries=self.retries,
        )
        if told.decode_ms is not None or self._first is None:
            return usage
        decode_s = self._last - self._first
        # The first token came with the prefill: so many were decoded in that time.
        decoded = max(0, (told.completion_tokens or 0) - 1)
        return dataclasses.replace(
            usage,
            prefill_ms=first_token_ms,
            decode_ms=decode_s * 1e3,
            tokens_per_s=decoded / decode_s if decoded and decode_s > 0 else None,
            origin="client",
        )
