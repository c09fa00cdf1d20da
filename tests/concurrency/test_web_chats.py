"""Many chats at once through the web, with a language model that is slow and takes few at a time."""

from __future__ import annotations

import asyncio
import contextlib
import json

import httpx
import pytest

from rag_demo import wiring
from rag_demo.library import Library
from rag_demo.settings import Settings
from rag_demo.testing import WordEmbedder
from rag_demo.web import server as web
from tests.llm_server import Reply, ScriptedServer, SseWire, json_reply
from tests.unit.rag_demo.dumps import SmallDump

CAP, QUEUE, CHATS = 4, 10, 50


class Service:
    model_name = "слова"
    dimension = 8


async def slowly(_) -> None:
    await asyncio.sleep(0.05)


@pytest.fixture
async def llm():
    async with ScriptedServer().serving() as server:
        wire = SseWire()
        pieces = [part for word in ("Это ", "делает ", "Посчитать. [1]") for part in (slowly, wire.text(word))]
        server.on("GET /v1/models", json_reply({"data": [{"id": "м", "max_model_len": 32768}]}))
        server.on("GET /version", json_reply({"version": "1"}))
        server.on(wire.route, Reply([wire.started(), *pieces, wire.end()], headers=wire.headers))
        yield server


@pytest.fixture
async def client(llm, tmp_path, monkeypatch):
    monkeypatch.setattr(wiring, "build_embedder", lambda *_: WordEmbedder())
    monkeypatch.setattr(web, "_scrape", lambda *_: lambda: (b"", "text/plain"))
    settings = Settings(
        data_dir=str(tmp_path / "данные"),
        model="слова",
        llm_mode="vllm",
        llm_base_url=llm.url,
        llm_model="м",
        llm_max_concurrency=CAP,
        llm_max_queue=QUEUE,
        answer_cache="off",
    )
    with contextlib.closing(Library(settings)) as library:
        await asyncio.to_thread(library.index, SmallDump(tmp_path / "выгрузка").root, "дом", progress=lambda *_: None)
        app = web.build(library, Service(), settings)
        async with httpx.AsyncClient(
            transport=httpx.ASGITransport(app), base_url="http://127.0.0.1", timeout=60
        ) as client:
            yield client


async def chat(client, number: int) -> httpx.Response:
    return await client.post("/chat", json={"question": f"Что считает Посчитать1_{number % 3}?"})


def kinds(response: httpx.Response) -> list[str]:
    return [line.removeprefix("event: ") for line in response.text.splitlines() if line.startswith("event: ")]


async def test_none_is_lost_and_too_many_are_told_when_to_come_back(client, llm):
    answers = await asyncio.gather(*(chat(client, number) for number in range(CHATS)))
    served = [answer for answer in answers if answer.status_code == 200]
    refused = [answer for answer in answers if answer.status_code == 503]
    assert len(served) + len(refused) == CHATS
    assert len(served) >= CAP + QUEUE
    assert refused
    for answer in served:
        assert kinds(answer)[-2:] == ["verified", "done"]
        done = json.loads(answer.text.rpartition("data: ")[2])
        assert done["answer"] == "Это делает Посчитать. [1]"
        assert done["degraded"] == []
    for answer in refused:
        assert int(answer.headers["retry-after"]) >= 1
        assert answer.json()["error"]["code"] == "overloaded"
    assert llm.most_active <= CAP


async def test_clients_that_hang_up_free_their_places(client, llm):
    waiting = [asyncio.create_task(chat(client, number)) for number in range(CAP + QUEUE)]
    await llm.until(lambda: llm.active == CAP)
    for task in waiting:
        task.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)
    again = await asyncio.gather(*(chat(client, number) for number in range(CAP + QUEUE)))
    assert [answer.status_code for answer in again] == [200] * (CAP + QUEUE)
