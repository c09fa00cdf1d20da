"""Many chats at once through the web, with a language model that is slow and takes few at a time."""

from __future__ import annotations

import asyncio
import contextlib
import json
from typing import ClassVar

import httpx
import pytest

from rag_demo import wiring
from rag_demo.library import Library
from rag_demo.settings import Settings
from rag_demo.testing import WordEmbedder
from rag_demo.web import server as web
from tests.llm_server import Reply, ScriptedServer, SseWire, json_reply, stall
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
        llm_attempts=1,
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


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/chat", {"question": "Что считает Посчитать1_1?"}),
        ("/v1/chat/completions", {"messages": [{"role": "user", "content": "Что считает Посчитать1_1?"}]}),
        (
            "/v1/chat/completions",
            {"stream": True, "messages": [{"role": "user", "content": "Что считает Посчитать1_1?"}]},
        ),
    ],
)
async def test_who_hangs_up_while_the_model_is_silent_leaves_no_slot_taken(client, llm, path, body):
    llm.on(SseWire.route, Reply([SseWire().started(), stall], headers=SseWire.headers))
    messages = [{"type": "http.request", "body": json.dumps(body).encode(), "more_body": False}]
    gone = asyncio.Event()
    scope = {"type": "http", "asgi": {"version": "3.0", "spec_version": "2.3"}, "http_version": "1.1", "method": "POST",
             "path": path, "raw_path": path.encode(), "query_string": b"", "root_path": "", "scheme": "http",
             "headers": [(b"host", b"127.0.0.1"), (b"content-type", b"application/json")],
             "client": ("127.0.0.1", 1), "server": ("127.0.0.1", 80)}  # fmt: skip

    async def receive():
        if messages:
            return messages.pop()
        await gone.wait()
        return {"type": "http.disconnect"}

    async def send(_) -> None:
        pass

    asked = asyncio.create_task(client._transport.app(scope, receive, send))
    await llm.until(lambda: llm.active == 1)
    gone.set()
    await llm.until(lambda: llm.active == 0)
    await asked


class TestOpenAi:
    QUESTION: ClassVar = [{"role": "user", "content": "Что считает Посчитать1_1?"}]

    @staticmethod
    def says(llm, text: str, finish: str = "stop") -> None:
        wire = SseWire()
        llm.on(wire.route, Reply([wire.started(), wire.text(text), wire.end(finish)], headers=wire.headers))

    async def test_what_the_check_marks_is_told_in_the_text(self, client, llm):
        self.says(llm, "Модуль считает прибыль 777 [1]. Это делает Посчитать [1].")
        asked = {"messages": self.QUESTION}
        whole = (await client.post("/v1/chat/completions", json=asked)).json()["choices"][0]["message"]["content"]
        stream = await client.post("/v1/chat/completions", json={**asked, "stream": True})
        chunks = [json.loads(line[6:]) for line in stream.text.splitlines() if line.startswith("data: {")]
        streamed = "".join(chunk["choices"][0]["delta"].get("content", "") for chunk in chunks)
        assert streamed == whole
        assert whole.startswith(
            "Модуль считает прибыль 777 [1]. Это делает Посчитать [1].\n\n⚠ «Модуль считает прибыль 777 [1].» — "
        )
        # The client sends it all back with the next question; the model sees nothing of what was marked.
        follow_up = [*self.QUESTION, {"role": "assistant", "content": whole}, *self.QUESTION]
        await client.post("/v1/chat/completions", json={"messages": follow_up})
        sent = llm.exchanges_of_chat(SseWire())[-1].body["messages"]
        assert [message["content"] for message in sent if message["role"] == "assistant"] == [
            "Это делает Посчитать [1]."
        ]

    async def test_an_answer_that_was_cut_says_so(self, client, llm):
        self.says(llm, "Это делает Посчитать [1].", "length")
        whole = (await client.post("/v1/chat/completions", json={"messages": self.QUESTION})).json()
        assert whole["choices"][0]["finish_reason"] == "length"

    @pytest.mark.parametrize("asked_s", ["1e400", "nan", "-5", "99999999999", "soon"])
    async def test_no_wait_that_another_server_asks_for_breaks_ours(self, client, llm, asked_s):
        llm.on(SseWire.route, json_reply({"error": "busy"}, status=429, headers={"Retry-After": asked_s}))
        refused = await client.post("/v1/chat/completions", json={"messages": self.QUESTION})
        assert refused.status_code == 503
        assert 1 <= int(refused.headers["retry-after"]) <= 600
