"""`rag-demo serve` as a process, and what it does when the things around it die and come back."""

from __future__ import annotations

import os
import shutil
import signal
from pathlib import Path

import httpx
import pytest

from tests.qdrant_server import QdrantServer
from tests.servers import RedisServer
from tests.unit.rag_demo.dumps import SmallDump
from tests.web_server import Served

QUESTION = "Что считает Посчитать1_2?"


@pytest.fixture(scope="module")
def redis():
    server = RedisServer()
    server.start()
    yield server
    server.close()


@pytest.fixture(scope="module")
def served(tmp_path_factory, redis):
    """A server over a small index that keeps its answers in Redis."""
    folder = tmp_path_factory.mktemp("сервер")
    served = Served(folder / "сервер", RAG_ANSWER_CACHE=redis.url)
    served.index(SmallDump(folder / "выгрузка").root)
    served.start()
    yield served
    served.close()


def search(served: Served) -> httpx.Response:
    return httpx.post(f"{served.url}/search", json={"question": QUESTION}, timeout=30)


def ask(served: Served) -> str:
    """The events of an answer."""
    return httpx.post(f"{served.url}/chat", json={"question": QUESTION}, timeout=60).raise_for_status().text


def test_redis_may_go_and_come_back(served, redis):
    assert "event: done" in ask(served)
    redis.kill()
    for _ in range(2):
        assert '"cached_s": null' in ask(served)
    redis.start()
    served.until(lambda: '"cached_s": null' not in ask(served))


def test_an_index_that_is_removed_is_missed_in_words_and_used_again_when_it_is_back(served):
    assert search(served).status_code == 200
    shutil.rmtree(served.folder / "данные" / "spaces")
    missed = search(served)
    assert missed.status_code == 503
    assert "rag-demo index" in missed.json()["error"]["message"]
    assert httpx.get(f"{served.url}/health/ready", timeout=30).status_code == 503
    served.run("index", str(served.folder.parent / "выгрузка"), "--space", "дом")
    assert search(served).json()["hits"][0]["full_name"] == "CommonModule.Модуль1.Посчитать1_2"


def test_a_worker_that_is_killed_is_replaced(tmp_path):
    with QdrantServer().serving() as qdrant:
        served = Served(tmp_path / "сервер", QDRANT_URL=qdrant.url)
        served.index(SmallDump(tmp_path / "выгрузка").root)
        try:
            served.start("--workers", "2")
            served.until(lambda: len(workers(served)) == 2)
            assert search(served).json()["degraded"] == []
            killed = workers(served)[0]
            os.kill(killed, signal.SIGKILL)
            served.until(lambda: len(workers(served)) == 2 and killed not in workers(served))
            served.until(lambda: all(search(served).status_code == 200 for _ in range(4)))
            assert "rag_http" in httpx.get(f"{served.url}/metrics", timeout=30).text
        finally:
            served.close()


def workers(served: Served) -> list[int]:
    """The processes that answer: children of the one that was started, but for Python's own helper."""
    children = Path(f"/proc/{served.process.pid}/task/{served.process.pid}/children").read_text().split()
    spawned = [pid for pid in children if "spawn_main" in Path(f"/proc/{pid}/cmdline").read_text()]
    return [int(pid) for pid in spawned]
