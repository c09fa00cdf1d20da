"""The server under mixed load for minutes: nothing fails and its memory does not grow.

``SOAK_MINUTES=2 pytest -m long tests/e2e/test_soak.py`` for a shorter run than the usual ten.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
import os
import time
from collections import Counter
from pathlib import Path
from statistics import median

import httpx
import pytest

from tests.unit.rag_demo.dumps import SmallDump
from tests.web_server import Served

MINUTES = float(os.environ.get("SOAK_MINUTES", "10"))
CLIENTS = 8
MOST_GROWTH = 0.03  # of the memory in use after the first third


def resident_mb(pid: int) -> float:
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


async def ask_one(client: httpx.AsyncClient, number: int) -> str:
    """One request of those that people and programs send, no two of them alike; returns "200" or what went wrong."""
    question = {"question": f"Что считает Посчитать{number % 3}_{number % 2} номер {number}?"}
    if number % 8 == 0:  # a reader who goes away after the first bytes
        async with client.stream("POST", "/chat", json=question) as answer:
            if answer.status_code == 200:
                async for _ in answer.aiter_bytes():
                    break
                return "200"
            await answer.aread()
            return told("POST", "/chat, left early", answer)
    said = {"messages": [{"role": "user", "content": question["question"]}], "stream": True}
    requests = [
        ("POST", "/chat", question),
        ("POST", "/search", {**question, "kinds": ["Catalog"]}),
        ("POST", "/v1/chat/completions", said),
        ("POST", "/v1/embeddings", {"input": [question["question"], f"{number} ещё"]}),
        ("GET", "/source?space=дом&path=CommonModules/Модуль1/Ext/Module.bsl", None),
        ("GET", "/objects/Справочник.Справочник1", None),
        ("GET", "/metrics", None),
    ]
    method, path, body = requests[number % 8 - 1]
    answer = await client.request(method, path, json=body)
    return "200" if answer.status_code == 200 else told(method, path, answer)


def told(method: str, path: str, answer: httpx.Response) -> str:
    return f"{method} {path}: {answer.status_code} {answer.text[:300]}"


@pytest.mark.long
async def test_memory_does_not_grow(tmp_path):
    served = Served(tmp_path / "сервер", RAG_ANSWER_CACHE="memory")
    await asyncio.to_thread(served.index, SmallDump(tmp_path / "выгрузка").root)
    await asyncio.to_thread(served.start)
    numbers, statuses, samples = itertools.count(), Counter(), []
    until_s = time.monotonic() + 60 * MINUTES

    async def client_loop(client):
        while time.monotonic() < until_s:
            statuses[await ask_one(client, next(numbers))] += 1

    async def watch():
        while time.monotonic() < until_s:
            samples.append(resident_mb(served.process.pid))
            await asyncio.sleep(1)

    try:
        async with httpx.AsyncClient(base_url=served.url, timeout=60) as client:
            first = await client.post("/v1/embeddings", json={"input": "x"}, timeout=300)  # the model is loaded
            assert first.status_code == 200, first.text
            await asyncio.gather(watch(), *(client_loop(client) for _ in range(CLIENTS)))
    finally:
        served.close()
    third = len(samples) // 3
    before, after = median(samples[third : 2 * third]), median(samples[2 * third :])
    seen = f"{sum(statuses.values())} requests; MB: {samples[0]:.0f} at first, {before:.0f} then, {after:.0f} at last"
    logging.getLogger(__name__).warning(seen)
    assert set(statuses) == {"200"}, (statuses, served.log())
    assert after < before * (1 + MOST_GROWTH), seen
