"""Many chats at once at a slow server: none is lost, none blocks another, and too many are told so."""

from __future__ import annotations

import asyncio
import contextlib
import random

import pytest

from hybrid_embeddings.resilience.breaker import Breaker
from rag_demo.errors import LlmOverloaded
from rag_demo.llm.gateway import Gateway, Link
from rag_demo.llm.ollama import OllamaBackend
from rag_demo.llm.options import Answering, Limits, Server
from rag_demo.llm.types import Done, Failed, Message, Request, TextDelta
from rag_demo.llm.vllm import VllmBackend
from tests.llm_server import NdjsonWire, Reply, ScriptedServer, SseWire, json_reply

CAP, CHATS = 4, 50
WIRES = {"ollama": (NdjsonWire(), OllamaBackend), "vllm": (SseWire(), VllmBackend)}


async def slowly(exchange) -> None:
    await asyncio.sleep(0.01)


@pytest.fixture(params=WIRES)
async def wire(request):
    return WIRES[request.param]


@pytest.fixture
async def server(wire):
    async with ScriptedServer().serving() as server:
        server.on("GET /api/version", json_reply({"version": "1.2.3"}))
        server.on("POST /api/show", json_reply({"details": {}, "model_info": {}}))
        written = wire[0]
        pieces = [part for word in ("Оста", "ток ", "есть") for part in (slowly, written.text(word))]
        server.on(written.route, Reply([written.started(), *pieces, written.end()], headers=written.headers))
        yield server


@pytest.fixture
async def make_gateway(wire, server):
    backend = wire[1](Server(server.url, "м"), Answering())

    def make(queue: int) -> Gateway:
        breaker = Breaker(threshold=3, timeout_s=60)
        return Gateway([Link(backend, breaker)], limits=Limits(total_s=60, concurrency=CAP, queue=queue))

    yield make
    await backend.close()


async def chat(gateway: Gateway) -> list:
    request = Request((Message("user", "Есть остаток?"),))
    async with contextlib.aclosing(gateway.stream(request)) as events:
        return [event async for event in events]


def text_of(events: list) -> str:
    return "".join(event.text for event in events if isinstance(event, TextDelta))


async def test_all_are_served_with_never_more_than_the_cap_at_the_server(server, make_gateway):
    gateway = make_gateway(queue=CHATS)
    answers = await asyncio.gather(*(chat(gateway) for _ in range(CHATS)))
    assert [text_of(events) for events in answers] == ["Остаток есть"] * CHATS
    assert all(events[-1] == Done("stop") for events in answers)
    assert server.most_active == CAP


async def test_more_than_may_wait_are_told_to_come_back(server, make_gateway):
    gateway = make_gateway(queue=10)
    answers = await asyncio.gather(*(chat(gateway) for _ in range(CHATS)))
    served = [events for events in answers if isinstance(events[-1], Done)]
    refused = [events[-1].error for events in answers if isinstance(events[-1], Failed)]
    assert len(served) == CAP + 10
    assert all(text_of(events) == "Остаток есть" for events in served)
    assert len(refused) == CHATS - len(served)
    assert all(isinstance(error, LlmOverloaded) and error.retry_after_s >= 1 for error in refused)


async def test_clients_that_leave_at_any_moment_free_their_slots(server, make_gateway):
    gateway = make_gateway(queue=CHATS)
    dice = random.Random(9)
    tasks = [asyncio.create_task(chat(gateway)) for _ in range(CHATS)]
    leaving = dice.sample(range(CHATS), 30)
    for number in leaving:
        await asyncio.sleep(dice.choice((0, 0, 0.003, 0.007)))
        tasks[number].cancel()
    answers = await asyncio.gather(*tasks, return_exceptions=True)
    stayed = [answers[number] for number in range(CHATS) if number not in leaving]
    assert [text_of(events) for events in stayed] == ["Остаток есть"] * len(stayed)
    assert all(isinstance(answer, (list, asyncio.CancelledError)) for answer in answers)
    await server.until(lambda: server.active == 0)
    # Every slot and every place is free again.
    answers = await asyncio.gather(*(chat(gateway) for _ in range(CAP * 2)))
    assert all(events[-1] == Done("stop") for events in answers)
    assert server.most_active <= CAP + len(leaving)
    with contextlib.ExitStack() as places:
        for _ in range(CAP + CHATS):
            places.enter_context(gateway.reserve())
