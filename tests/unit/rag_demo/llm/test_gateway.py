"""Slots, chain and breakers, with back ends made of generators."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable

import pytest

from hybrid_embeddings.resilience.breaker import Breaker
from rag_demo.errors import (
    ContextOverflow,
    EmptyAnswer,
    LlmError,
    LlmInterrupted,
    LlmOverloaded,
    LlmRefused,
    LlmTimeout,
    LlmUnavailable,
)
from rag_demo.llm import gateway as gateway_module
from rag_demo.llm.blocking import Blocking
from rag_demo.llm.gateway import Gateway, Link
from rag_demo.llm.options import Limits
from rag_demo.llm.probe import first_that_answers, probe
from rag_demo.llm.types import Done, Event, Failed, Message, ModelInfo, Request, Started, TextDelta, Usage

QUESTION = Request((Message("user", "Где остаток?"),))
LIMITS = Limits(attempts=2, pause_s=0.001, concurrency=1, queue=1)


class Written:
    """A back end that runs a generator function for each request."""

    base_url = "http://127.0.0.1:1"

    def __init__(self, name: str, answer: Callable[[], AsyncIterator[Event]]) -> None:
        self.name = name
        self.asked = 0
        self.closed = False
        self.count: int | None = None
        self._answer = answer

    async def stream(self, request):
        self.asked += 1
        async with contextlib.aclosing(self._answer()) as events:
            async for event in events:
                yield event

    async def describe(self):
        async with contextlib.aclosing(self._answer()) as events:
            await anext(events)
        return ModelInfo(self.name, self.base_url, "м")

    async def count_tokens(self, text):
        return self.count

    async def close(self):
        self.closed = True


def saying(name: str) -> Written:
    async def answer():
        yield Started(name, "м")
        yield TextDelta(name)
        yield Usage(prompt_tokens=5, completion_tokens=1)
        yield Done()

    return Written(name, answer)


def failing(name: str, error: LlmError, *, after: str = "") -> Written:
    async def answer():
        if after:
            yield TextDelta(after)
        raise error
        yield  # makes this a generator

    return Written(name, answer)


def waiting(name: str) -> tuple[Written, asyncio.Event]:
    go = asyncio.Event()

    async def answer():
        yield TextDelta(name)
        await go.wait()
        yield Usage()
        yield Done()

    return Written(name, answer), go


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def make(*backends: Written, limits: Limits = LIMITS, clock: Clock | None = None, threshold: int = 2) -> Gateway:
    clock = clock or Clock()
    links = [Link(backend, Breaker(threshold=threshold, timeout_s=30, clock=clock)) for backend in backends]
    return Gateway(links, limits=limits, clock=clock)


async def ask(gateway: Gateway, **arguments) -> list[Event]:
    async with contextlib.aclosing(gateway.stream(QUESTION, **arguments)) as events:
        return [event async for event in events]


async def said(gateway: Gateway) -> str:
    return "".join(event.text for event in await ask(gateway) if isinstance(event, TextDelta))


@pytest.mark.parametrize("error", [LlmUnavailable("x"), LlmOverloaded("x"), LlmRefused("x")])
async def test_the_next_of_the_chain_answers_when_the_first_does_not(error):
    assert await said(make(failing("a", error), saying("b"))) == "b"


async def test_retries_come_before_the_next_of_the_chain_but_only_where_they_may_help():
    down, wrong = failing("a", LlmUnavailable("x")), failing("b", LlmRefused("x"))
    assert await said(make(down, wrong, saying("c"))) == "c"
    assert (down.asked, wrong.asked) == (2, 1)


async def test_after_the_first_token_nothing_is_repeated():
    first, second = failing("a", LlmInterrupted("x"), after="Ост"), saying("b")
    assert [type(event) for event in await ask(make(first, second))] == [TextDelta, Failed]
    assert (first.asked, second.asked) == (1, 0)


async def test_a_prompt_that_is_too_long_is_not_passed_on():
    second = saying("b")
    (event,) = await ask(make(failing("a", ContextOverflow("x")), second))
    assert isinstance(event.error, ContextOverflow)
    assert second.asked == 0


async def test_when_all_fail_each_is_told():
    (event,) = await ask(make(failing("a", LlmUnavailable("первый")), failing("b", LlmRefused("второй"))))
    assert isinstance(event.error, LlmUnavailable)
    assert "первый" in str(event.error)
    assert "второй" in str(event.error)


async def test_when_all_are_busy_it_is_overload():
    busy = [failing(name, LlmOverloaded("x", retry_after_s=wait)) for name, wait in (("a", 90.0), ("b", 40.0))]
    (event,) = await ask(make(*busy))
    assert isinstance(event.error, LlmOverloaded)
    assert event.error.retry_after_s == 40.0


async def test_a_server_that_fails_again_and_again_is_left_alone_and_tried_later():
    clock = Clock()
    down = failing("a", LlmUnavailable("x"))
    gateway = make(down, saying("b"), clock=clock)
    for _ in range(4):
        assert await said(gateway) == "b"
    assert down.asked == 2 * 2  # two questions of two attempts, then the breaker is open
    clock.now = 31
    await said(gateway)
    assert down.asked == 3 * 2
    alone = make(down)
    for _ in range(3):
        (event,) = await ask(alone)
    assert "left alone" in str(event.error)
    assert event.error.retry_after_s == 30


async def test_refusals_and_leaving_clients_do_not_open_the_breaker():
    refusing = failing("a", LlmRefused("x"))
    gateway = make(refusing, threshold=1)
    for asked in range(1, 4):
        await ask(gateway)
        assert refusing.asked == asked
    backend, _ = waiting("b")
    gateway = make(backend, threshold=1)
    for asked in range(1, 4):
        async with contextlib.aclosing(gateway.stream(QUESTION)) as events:
            await anext(events)
        assert backend.asked == asked


async def test_places_are_bounded_and_given_back():
    backend, go = waiting("a")
    gateway = make(backend)
    with gateway.reserve() as place, gateway.reserve():
        with pytest.raises(LlmOverloaded, match="2 chats") as full, gateway.reserve():
            pass
        assert full.value.retry_after_s >= 1
        (event,) = await ask(gateway)
        assert isinstance(event.error, LlmOverloaded)
        go.set()
        assert isinstance((await ask(gateway, place=place))[0], TextDelta)
    assert len(await ask(gateway)) > 1


async def test_waiting_for_a_slot_ends_with_the_total_time():
    backend, go = waiting("a")
    gateway = make(backend, limits=Limits(total_s=0.05, concurrency=1, queue=5))
    async with contextlib.aclosing(gateway.stream(QUESTION)) as holder:
        await anext(holder)
        (event,) = await ask(gateway)
        assert isinstance(event.error, LlmOverloaded)
        assert "0.05 s" in str(event.error)
    go.set()
    assert isinstance((await ask(gateway))[-1], Done)


async def test_times_are_measured_here_where_the_server_tells_none():
    clock = Clock()

    async def answer():
        clock.now += 2.0
        yield TextDelta("а")
        for _ in range(4):
            clock.now += 0.5
            yield TextDelta("б")
        yield Usage(completion_tokens=5)
        yield Done()

    usage = next(event for event in await ask(make(Written("a", answer), clock=clock)) if isinstance(event, Usage))
    assert (usage.first_token_ms, usage.prefill_ms, usage.decode_ms) == (2000, 2000, 2000)
    assert (usage.tokens_per_s, usage.total_ms, usage.origin) == (2.0, 4000, "client")


async def test_counting_falls_back_to_an_estimate_that_learns():
    backend = saying("a")
    gateway = make(backend)
    estimated = await gateway.count_tokens(["Где остаток?"])
    await ask(gateway)  # the server counted 5 tokens of an estimate of 15
    assert (await gateway.count_tokens(["Где остаток?"]))[0] < estimated[0]
    backend.count = 30
    assert await gateway.count_tokens(["Где остаток?"]) == [30]
    assert await gateway.count_tokens(["Где", "остаток"]) == [10, 20]  # 2 and 4 by estimate
    assert await gateway.count_tokens([]) == []


async def test_an_answer_of_blanks_is_none():
    async def answer():
        yield TextDelta(" \n")
        yield Usage()
        yield Done("length")

    assert isinstance((await ask(make(Written("a", answer))))[-1].error, EmptyAnswer)


async def test_describe_and_close_go_through_the_chain():
    backends = failing("a", LlmUnavailable("x")), saying("b")
    gateway = make(*backends)
    assert (await gateway.describe()).backend == "b"
    with pytest.raises(LlmUnavailable):
        await make(backends[0]).describe()
    await gateway.close()
    assert all(backend.closed for backend in backends)


async def test_a_server_that_hangs_holds_up_neither_description_nor_counting(monkeypatch):
    monkeypatch.setattr(gateway_module, "_ASKING_S", 0.05)
    monkeypatch.setattr(gateway_module, "_COUNTING_S", 0.05)
    hanging = saying("a")
    hanging.describe = hanging.count_tokens = lambda *_: asyncio.Event().wait()
    gateway = make(hanging, saying("b"))
    assert (await gateway.describe()).backend == "b"
    assert await gateway.count_tokens(["Где остаток?"]) == [7]
    with pytest.raises(LlmTimeout):
        await make(hanging).describe()


async def test_a_server_that_is_left_alone_is_not_asked_what_it_is():
    down = failing("a", LlmUnavailable("x"))
    gateway = make(down, saying("b"), threshold=1)
    await ask(gateway)
    down.describe = None  # asking would fail
    assert (await gateway.describe()).backend == "b"


async def test_the_first_that_generates_is_found():
    backends = failing("a", LlmUnavailable("нет")), saying("b"), saying("c")
    found, probes = await first_that_answers(backends, timeout_s=5)
    assert found is backends[1]
    assert [(tried.backend, tried.error is None) for tried in probes] == [("a", False), ("b", True)]
    assert (await first_that_answers(backends[:1], timeout_s=5))[0] is None


async def test_a_server_that_lives_but_generates_nothing_is_no_answer():
    backend = saying("a")

    async def hang():
        await asyncio.Event().wait()
        yield

    backend.stream = lambda _: hang()
    tried = await probe(backend, timeout_s=0.05)
    assert tried.info is not None
    assert "no token within 0.05 s" in str(tried.error)


def test_without_an_event_loop():
    backend = saying("a")
    with Blocking(make(backend)) as model:
        assert [type(event) for event in model.stream(QUESTION)] == [Started, TextDelta, Usage, Done]
        for event in model.stream(QUESTION):
            if isinstance(event, TextDelta):
                break
        assert [type(event) for event in model.stream(QUESTION)][-1] is Done
    assert backend.closed
