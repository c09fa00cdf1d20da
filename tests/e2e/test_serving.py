"""`rag-demo serve` as a process, and what it does when the things around it die and come back."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
from pathlib import Path

import httpx
import pytest

from tests.llm_server import Reply, ScriptedServer, SseWire, json_reply, stall
from tests.qdrant_server import QdrantServer
from tests.servers import RedisServer
from tests.unit.rag_demo.dumps import SmallDump
from tests.web_server import Served

QUESTION = "Что считает Посчитать1_2?"


@pytest.fixture
def served_with(tmp_path):
    """Make a server over a small index; not started yet."""
    made: list[Served] = []

    def make(**environment: str) -> Served:
        served = Served(tmp_path / "сервер", **environment)
        made.append(served)
        served.dump = SmallDump(tmp_path / "выгрузка")
        served.index(served.dump.root)
        return served

    yield make
    for served in made:
        served.close()


def search(served: Served) -> httpx.Response:
    return httpx.post(f"{served.url}/search", json={"question": QUESTION}, timeout=30)


def ask(served: Served, question: str = QUESTION) -> httpx.Response:
    body = {"messages": [{"role": "user", "content": question}]}
    return httpx.post(f"{served.url}/v1/chat/completions", json=body, timeout=60)


def test_an_index_that_is_removed_is_missed_in_words_and_used_again_when_it_is_back(served_with):
    served = served_with()
    served.start()
    assert search(served).status_code == 200
    shutil.rmtree(served.folder / "данные" / "spaces")
    missed = search(served)
    assert missed.status_code == 503
    assert "rag-demo index" in missed.json()["error"]["message"]
    assert httpx.get(f"{served.url}/health/ready").status_code == 503
    served.run("index", str(served.dump.root), "--space", "дом")
    assert search(served).json()["hits"][0]["full_name"] == "CommonModule.Модуль1.Посчитать1_2"


def test_redis_may_go_and_come_back(served_with):
    redis = RedisServer()
    redis.start()
    try:
        served = served_with(RAG_ANSWER_CACHE=redis.url)
        served.start()
        assert ask(served).json()["sources"]
        redis.kill()
        for _ in range(2):
            assert ask(served).json()["sources"]
        redis.start()
        served.until(lambda: cached(served))
    finally:
        redis.close()


def cached(served: Served) -> bool:
    told = httpx.post(f"{served.url}/chat", json={"question": QUESTION}, timeout=30).text
    return '"cached_s": null' not in told


async def test_a_hung_language_model_is_told_and_answers_again_when_it_is_well(served_with):
    wire = SseWire()
    async with ScriptedServer().serving() as llm:
        llm.on("GET /v1/models", json_reply({"data": [{"id": "м", "max_model_len": 32768}]}))
        llm.on("GET /version", json_reply({"version": "1"}))
        well = Reply([wire.started(), wire.text("Это делает Посчитать. [1]"), wire.end()], headers=wire.headers)
        llm.on(wire.route, Reply([stall], headers=wire.headers), well)
        options = {"LLM_BASE_URL": llm.url, "LLM_MODEL": "м", "LLM_ATTEMPTS": "1", "LLM_FIRST_TOKEN_TIMEOUT": "1"}
        served = await asyncio.to_thread(served_with, LLM_MODE="vllm", RAG_ANSWER_CACHE="off", **options)
        await asyncio.to_thread(served.start)
        async with httpx.AsyncClient(base_url=served.url, timeout=60) as client:
            hung = (await client.post("/chat", json={"question": QUESTION})).text
            assert '"degraded": ["llm"' in hung
            assert "Посчитать1_2" in hung  # out of the sources
            again = (await client.post("/chat", json={"question": QUESTION})).text
            assert "Это делает Посчитать. [1]" in again
            assert '"degraded": []' in again


def test_a_worker_that_is_killed_is_replaced(served_with):
    with QdrantServer().serving() as qdrant:
        served = served_with(QDRANT_URL=qdrant.url)
        served.start("--workers", "2")
        served.until(lambda: len(workers(served)) == 2)
        assert search(served).json()["degraded"] == []
        killed = workers(served)[0]
        os.kill(killed, signal.SIGKILL)
        served.until(lambda: len(workers(served)) == 2 and killed not in workers(served))
        served.until(lambda: all(search(served).status_code == 200 for _ in range(4)))
        assert "rag_http" in httpx.get(f"{served.url}/metrics").text


def workers(served: Served) -> list[int]:
    """The processes that answer: children of the one that was started, but for Python's own helper."""
    children = Path(f"/proc/{served.process.pid}/task/{served.process.pid}/children").read_text().split()
    spawned = [pid for pid in children if "spawn_main" in Path(f"/proc/{pid}/cmdline").read_text()]
    return [int(pid) for pid in spawned]
