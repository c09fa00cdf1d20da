"""Which language model the settings mean, found at a real server on loopback."""

from __future__ import annotations

import asyncio
import contextlib

import pytest

from rag_demo import llm_wiring
from rag_demo.cli import main
from rag_demo.errors import InputError, LlmUnavailable
from rag_demo.llm.types import Done, Message, Request, Started
from rag_demo.llm_check import check
from rag_demo.llm_wiring import check_language_model, open_language_model
from rag_demo.settings import Settings
from tests.llm_server import Reply, ScriptedServer, SseWire, TgiWire, json_reply

NOWHERE = "http://127.0.0.1:1"
QUESTION = Request((Message("user", "Где остаток?"),))


@pytest.fixture
async def server():
    """A vLLM server."""
    wire = SseWire()
    async with ScriptedServer().serving() as server:
        model = {"id": "модель", "max_model_len": 4096}
        server.on("GET /v1/models", json_reply({"data": [model]}))
        server.on(wire.route, Reply([wire.text("да"), wire.end()], headers=wire.headers))
        yield server


async def ask(model) -> list:
    async with contextlib.aclosing(model.stream(QUESTION)) as events:
        return [event async for event in events]


async def test_extractive_needs_no_server():
    assert (await open_language_model(Settings())).model is None
    assert await check_language_model(Settings()) == []


async def test_a_named_mode_is_taken_without_asking():
    opened = await open_language_model(Settings(llm_mode="ollama"))
    assert opened.model is not None
    assert opened.probes == ()
    await opened.model.close()


async def test_auto_takes_the_first_that_generates(server):
    opened = await open_language_model(Settings(llm_mode="auto", llm_base_url=f"{server.url}/v1"))
    assert [(probe.backend, probe.error is None) for probe in opened.probes] == [
        ("ollama", False),
        ("tgi", False),
        ("vllm", True),
    ]
    events = await ask(opened.model)
    assert (events[0], events[-1]) == (Started("vllm", "модель"), Done())
    await opened.model.close()


async def test_auto_is_not_content_with_a_server_that_only_lists_models(server):
    server.on(SseWire.route, json_reply({"error": "engine is dead"}, status=500))
    opened = await open_language_model(Settings(llm_mode="auto", llm_base_url=server.url))
    assert opened.model is None
    assert "engine is dead" in str(opened.probes[-1].error)


async def test_auto_without_a_url_tries_the_usual_ports(server, monkeypatch):
    ports = {"ollama": NOWHERE, "tgi": NOWHERE, "vllm": server.url}
    monkeypatch.setattr(llm_wiring, "_USUAL_URL", ports)
    opened = await open_language_model(Settings(llm_mode="auto"))
    assert [probe.base_url for probe in opened.probes] == [NOWHERE, NOWHERE, server.url]
    await opened.model.close()


async def test_the_fallback_answers_with_its_own_key(server):
    settings = Settings(
        llm_mode="ollama",
        llm_base_url=NOWHERE,
        llm_api_key="sk-first",
        llm_attempts=1,
        llm_fallback=f"vllm {server.url}/v1 модель",
        llm_fallback_api_key="sk-second",
    )
    opened = await open_language_model(settings)
    assert (await ask(opened.model))[0] == Started("vllm", "модель")
    assert {exchange.headers["authorization"] for exchange in server.exchanges} == {"Bearer sk-second"}
    await opened.model.close()


@pytest.mark.parametrize("told", ["vllm", "openai http://a", "vllm http://a b c", "vllm ftp://a"])
async def test_a_wrong_fallback_is_named(told):
    with pytest.raises(InputError, match="LLM_FALLBACK"):
        await open_language_model(Settings(llm_mode="ollama", llm_fallback=told))


async def test_the_check_tells_what_answers(server, capsys):
    settings = Settings(llm_mode="vllm", llm_base_url=server.url, llm_api_key="sk-1", llm_fallback=f"tgi {NOWHERE}")
    await asyncio.to_thread(check, settings)
    told = capsys.readouterr().out
    assert "model модель, window 4,096 tokens" in told
    assert "first token after" in told
    assert f"tgi at {NOWHERE}\n  no answer: The LLM server {NOWHERE} is not reached" in told
    assert told.endswith(f"LLM_MODE=vllm: vllm at {server.url} answers.\n")
    assert "sk-1" not in told


async def test_the_check_tells_warnings(capsys):
    async with ScriptedServer().serving() as server:
        wire = TgiWire()
        server.on("GET /info", json_reply({"model_id": "м", "max_total_tokens": 4096}))
        server.on(wire.route, Reply([wire.text("да"), wire.end()], headers=wire.headers))
        await asyncio.to_thread(check, Settings(llm_mode="tgi", llm_base_url=server.url))
    assert "warning: TGI is in maintenance mode" in capsys.readouterr().out


def test_the_check_fails_where_a_named_llm_does_not_answer():
    with pytest.raises(LlmUnavailable, match="LLM_MODE=ollama"):
        check(Settings(llm_mode="ollama", llm_base_url=NOWHERE))


def test_the_command(capsys):
    assert main(["llm"]) == 0
    assert "extractive" in capsys.readouterr().out
