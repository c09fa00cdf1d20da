"""Trying again: only what may succeed the next time, with growing pauses, never beyond the time that is left."""

from __future__ import annotations

from collections.abc import Callable

import anyio
from tenacity import (
    AsyncRetrying,
    RetryCallState,
    retry_if_exception,
    stop_after_attempt,
    wait_exponential,
    wait_random,
)

from rag_demo.errors import LlmError
from rag_demo.llm.options import Limits

_LONGEST_PAUSE_S = 8.0
# A server that wants more patience is left to the next one of the chain, or to the user.
_MOST_PATIENCE_S = 30.0


def retrying(limits: Limits, *, left_s: Callable[[], float]) -> AsyncRetrying:
    """The attempts of one question at one server; ``left_s`` tells the seconds that it has left."""
    grow = wait_exponential(multiplier=limits.pause_s, max=_LONGEST_PAUSE_S) + wait_random(0, limits.pause_s)

    def pause_s(state: RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome else None
        asked_s = error.retry_after_s if isinstance(error, LlmError) else None
        return max(grow(state), asked_s or 0.0)

    def is_worth_it(error: BaseException) -> bool:
        if not isinstance(error, LlmError) or not error.retryable:
            return False
        return (error.retry_after_s or 0.0) < min(_MOST_PATIENCE_S, left_s())

    return AsyncRetrying(
        stop=stop_after_attempt(limits.attempts),
        wait=pause_s,
        retry=retry_if_exception(is_worth_it),
        reraise=True,
        sleep=anyio.sleep,
    )
