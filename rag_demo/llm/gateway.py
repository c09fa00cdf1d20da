"""The language model that the chat talks to: slots, time limits, retries, and a chain of back ends."""

from __future__ import annotations

import contextlib
import dataclasses
import logging
import math
import time
from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from contextlib import AbstractContextManager, aclosing

import anyio

from hybrid_embeddings.resilience.breaker import Breaker
from rag_demo.errors import (
    ContextOverflow,
    EmptyAnswer,
    LlmError,
    LlmOverloaded,
    LlmTimeout,
    LlmUnavailable,
)
from rag_demo.events import BackendChanged, BackendFailed, Events
from rag_demo.llm.options import Limits
from rag_demo.llm.ports import Backend, Place
from rag_demo.llm.retries import retrying
from rag_demo.llm.slots import Slots
from rag_demo.llm.tokens import TokenRatio, estimate_prompt, estimate_tokens
from rag_demo.llm.types import Done, Event, Failed, ModelInfo, Request, TextDelta, ThinkingDelta, Usage
from rag_demo.llm.watch import Deadline, Meter

_log = logging.getLogger(__name__)
# Counting is a courtesy of the server; the estimate is good enough where it takes longer.
_COUNTING_S = 1.0
_ASKING_S = 10.0  # what a server tells of itself needs no model


@dataclasses.dataclass(frozen=True, slots=True)
class Link:
    """One back end of the chain with its breaker."""

    backend: Backend
    breaker: Breaker


@dataclasses.dataclass(frozen=True, slots=True)
class _Opened:
    """An answer that has begun: what came up to the first token, and what follows."""

    prelude: tuple[Event, ...]
    rest: AsyncGenerator[Event, None]


class Gateway:
    """Answers by the first back end of a chain that can. See `rag_demo.llm.ports.LanguageModel`."""

    def __init__(
        self,
        links: Sequence[Link],
        *,
        limits: Limits,
        clock: Callable[[], float] = time.monotonic,
        events: Events | None = None,
    ) -> None:
        """Chain ``links`` in the order of preference; ``clock`` is in seconds, ``events`` hear of failures."""
        self._links = tuple(links)
        self._limits = limits
        self._clock = clock
        self._events = events or Events()
        self._slots = Slots(concurrency=limits.concurrency, queue=limits.queue, clock=clock)
        self._ratio = TokenRatio()

    def reserve(self) -> AbstractContextManager[Place]:
        """See `LanguageModel.reserve`."""
        return self._slots.reserve()

    async def stream(self, request: Request, place: Place | None = None) -> AsyncGenerator[Event, None]:
        """See `LanguageModel.stream`."""
        deadline, meter = Deadline(self._limits, self._clock), Meter(self._clock)
        has_text = False
        try:
            async with self._slots.take(place, timeout_s=deadline.left_s):
                meter.slot_taken()
                async with aclosing(self._answer(request, deadline, meter)) as events:
                    async for event in events:
                        has_text |= isinstance(event, TextDelta) and bool(event.text.strip())
                        if isinstance(event, Done) and not has_text:
                            raise _empty(event)
                        if isinstance(event, Usage):
                            self._learn(request, event)
                        yield event
        except LlmError as error:
            yield Failed(error)

    async def describe(self) -> ModelInfo:
        """See `LanguageModel.describe`."""
        failures: list[LlmError] = []
        for link in self._links:
            if link.breaker.state == "open":
                failures.append(_resting(link))
                continue
            try:
                with anyio.fail_after(_ASKING_S):
                    return await link.backend.describe()
            except LlmError as error:
                failures.append(error)
            except TimeoutError:
                failures.append(LlmTimeout(f"{link.backend.base_url} tells nothing of itself within {_ASKING_S:g} s."))
            _tell_failure(link.backend, failures[-1])
        raise _together(failures)

    async def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """See `LanguageModel.count_tokens`. The first back end counts: it is the one meant to answer."""
        estimates = [estimate_tokens(text) for text in texts]
        counted = None
        if self._links[0].breaker.state == "closed":
            with contextlib.suppress(LlmError), anyio.move_on_after(_COUNTING_S):
                counted = await self._links[0].backend.count_tokens("\n".join(texts))
        if counted is None:
            return [self._ratio.corrected(estimate) for estimate in estimates]
        share = counted / max(1, sum(estimates))
        return [math.ceil(estimate * share) for estimate in estimates]

    async def close(self) -> None:
        """See `LanguageModel.close`."""
        for link in self._links:
            await link.backend.close()

    async def _answer(self, request: Request, deadline: Deadline, meter: Meter) -> AsyncGenerator[Event, None]:
        failures: list[LlmError] = []
        for link in self._links:
            if not link.breaker.allow():
                failures.append(_resting(link))
                continue
            with self._told(link), _judged(link.breaker) as judged:
                try:
                    opened = await self._open(link.backend, request, deadline, meter)
                except ContextOverflow:
                    raise
                except LlmError as error:
                    judged.failed_with(error)
                    failures.append(error)
                    self._events.emit(BackendFailed(link.backend.name, type(error).__name__))
                    _tell_failure(link.backend, error)
                    continue
                async with aclosing(opened.rest), aclosing(deadline.rest(opened.rest)) as rest:
                    for event in opened.prelude:
                        yield event
                    async for event in rest:
                        yield meter.saw(event)
                judged.succeeded()
                return
        raise _together(failures)

    @contextlib.contextmanager
    def _told(self, link: Link) -> Iterator[None]:
        """Tell whether the breaker has changed, or the answer broke off."""
        before = link.breaker.state
        try:
            yield
        except LlmError as error:
            self._events.emit(BackendFailed(link.backend.name, type(error).__name__))
            raise
        finally:
            if link.breaker.state != before:
                self._events.emit(BackendChanged(link.backend.name, link.breaker.state))

    async def _open(self, backend: Backend, request: Request, deadline: Deadline, meter: Meter) -> _Opened:
        """Up to the first token, after which nothing may be repeated: the user has seen it."""
        async for attempt in retrying(self._limits, left_s=lambda: deadline.left_s):
            with attempt:
                meter.retries = attempt.retry_state.attempt_number - 1
                meter.sent()
                events = backend.stream(request)
                try:
                    return await deadline.first(lambda: _up_to_first_token(events, meter))  # noqa: B023  # awaited here
                except BaseException:
                    await events.aclose()
                    raise
        raise AssertionError  # the loop returns or raises

    def _learn(self, request: Request, usage: Usage) -> None:
        if usage.prompt_tokens:
            self._ratio.learn(estimate_prompt(message.content for message in request.messages), usage.prompt_tokens)


async def _up_to_first_token(events: AsyncGenerator[Event, None], meter: Meter) -> _Opened:
    prelude: list[Event] = []
    async for event in events:
        prelude.append(meter.saw(event))
        if isinstance(event, (TextDelta, ThinkingDelta)):
            break
    return _Opened(tuple(prelude), events)


class _Verdict:
    """What the breaker is told at the end; nothing where the client went away or the request was at fault."""

    def __init__(self) -> None:
        self.is_success = False
        self.error: LlmError | None = None

    def succeeded(self) -> None:
        self.is_success = True

    def failed_with(self, error: LlmError) -> None:
        self.error = error


@contextlib.contextmanager
def _judged(breaker: Breaker) -> Iterator[_Verdict]:
    verdict = _Verdict()
    try:
        yield verdict
    except LlmError as error:
        verdict.failed_with(error)
        raise
    finally:
        if verdict.is_success:
            breaker.success()
        elif isinstance(verdict.error, (LlmUnavailable, LlmTimeout)):
            breaker.failure()
        else:
            breaker.abandon_trial()


def _tell_failure(backend: Backend, error: LlmError) -> None:
    # Only the kind: its message may quote the server, and the server the question.
    _log.warning("No answer by %s (%s); `rag-demo llm` tells why.", backend.name, type(error).__name__)


def _empty(done: Done) -> EmptyAnswer:
    if done.finish_reason == "length":
        return EmptyAnswer("The model used all its tokens for thinking. Raise LLM_NUM_PREDICT or set LLM_THINK=off.")
    return EmptyAnswer("The model ended without a word of answer.")


def _resting(link: Link) -> LlmUnavailable:
    backend, retry_s = link.backend, link.breaker.retry_in_s()
    return LlmUnavailable(
        f"{backend.name} at {backend.base_url} failed repeatedly and is left alone for a while.",
        retry_after_s=retry_s,
    )


def _together(failures: Sequence[LlmError]) -> LlmError:
    """One error for the whole chain."""
    if len(failures) == 1:
        return failures[0]
    told = "".join(f"\n  {error}" for error in failures)
    if all(isinstance(error, LlmOverloaded) for error in failures):
        waits = [error.retry_after_s for error in failures if error.retry_after_s is not None]
        return LlmOverloaded(f"Every LLM server is busy:{told}", retry_after_s=min(waits, default=None))
    return LlmUnavailable(f"No LLM server answers:{told}")
