"""A real vLLM: what our client gets of it, and what becomes of answers that nobody waits for.

``HYBRID_VLLM`` names the program (``…/bin/vllm``), of a build for CPUs or GPUs; without it these tests are skipped and
listed as such. The model is made here and its answers are known, so nothing is said about the quality of answers.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import shutil

import anyio
import httpx
import pytest

from hybrid_embeddings.resilience.breaker import Breaker
from rag_demo.errors import ContextOverflow, EmptyAnswer, LlmRefused, LlmUnavailable
from rag_demo.llm.gateway import Gateway, Link
from rag_demo.llm.options import Answering, Limits, Server
from rag_demo.llm.types import Done, Message, Request, TextDelta, ThinkingDelta, Usage
from rag_demo.llm.vllm import VllmBackend
from rag_demo.llm_wiring import check_language_model
from rag_demo.settings import read_settings
from tests.causal_model import (
    ANSWER,
    ENDLESS,
    THOUGHT,
    WINDOW_TOKENS,
    free_port,
    kill,
    make_model,
    prompt_tokens,
    running,
)

VLLM = shutil.which(os.environ.get("HYBRID_VLLM") or "no program")
pytestmark = pytest.mark.skipif(VLLM is None, reason="HYBRID_VLLM names no program of vLLM")
KEY, NAME = "sk-ключ".encode().hex(), "крошка"
QUESTION = (Message("system", "Отвечай."), Message("user", "Где проверяется остаток?"))
OPTIONS = (
    "--enforce-eager --max-num-seqs 8 --enable-prompt-tokens-details --enable-per-request-metrics "
    "--reasoning-parser qwen3 --enable-prefix-caching"
)
QUIET = {"HF_HUB_OFFLINE": "1", "VLLM_NO_USAGE_STATS": "1", "VLLM_CPU_KVCACHE_SPACE": "1", "VLLM_HOST_IP": "127.0.0.1"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("vllm")


@pytest.fixture(scope="module")
def tokenizer(folder):
    return make_model(folder / "модель")


@pytest.fixture(scope="module")
def vllm(folder, tokenizer):
    """The server's address, and its process."""
    port = free_port()
    named = ["--served-model-name", NAME, "--api-key", KEY, "--host", "127.0.0.1", "--port", str(port)]
    command = [VLLM, "serve", str(folder / "модель"), *named, *OPTIONS.split()]
    url = f"http://127.0.0.1:{port}"
    with running(command, url, log=folder / "log", environment=QUIET | {"HF_HOME": str(folder)}) as process:
        yield url, process


@pytest.fixture
def url(vllm):
    return vllm[0]


@pytest.fixture
async def backend(url):
    backend = VllmBackend(Server(url, NAME, KEY), Answering(num_predict=12))
    yield backend
    await backend.close()


def make_gateway(backend, **limits) -> Gateway:
    return Gateway([Link(backend, Breaker(threshold=3, timeout_s=60))], limits=Limits(**{"total_s": 200} | limits))


async def ask(backend, messages=QUESTION, *, gateway=None, **options) -> list:
    events = (gateway or make_gateway(backend)).stream(Request(tuple(messages), **options))
    async with contextlib.aclosing(events):
        return [event async for event in events]


def joined(events, kind) -> str:
    # A server that is slow to send puts several tokens into one chunk.
    return "".join(event.text for event in events if isinstance(event, kind))


def usage_of(events) -> Usage:
    (usage,) = (event for event in events if isinstance(event, Usage))
    return usage


async def metric(url, name) -> float:
    """The sum of a metric of the server."""
    async with httpx.AsyncClient(trust_env=False) as client:
        text = (await client.get(f"{url}/metrics")).text
    found = re.findall(rf"^vllm:{name}.*? ([\d.e+]+)$", text, re.MULTILINE)
    assert found, name
    return sum(map(float, found))


async def until_idle(url) -> None:
    with anyio.fail_after(120):
        while await metric(url, r"num_requests_running\{") + await metric(url, r"num_requests_waiting\{"):
            await asyncio.sleep(0.05)


async def test_an_answer_and_what_it_took(backend, tokenizer):
    events = await ask(backend)
    assert joined(events, TextDelta) == "".join(ENDLESS) * 4
    assert events[-1] == Done("length")
    usage = usage_of(events)
    assert (usage.prompt_tokens, usage.completion_tokens) == (prompt_tokens(tokenizer, QUESTION), 12)
    assert usage.origin == "server"
    assert min(usage.queue_ms, usage.prefill_ms, usage.decode_ms) > 0
    assert usage.tokens_per_s == pytest.approx(11 / usage.decode_ms * 1e3)


async def test_thoughts_and_an_end_of_its_own(backend, tokenizer):
    events = await ask(backend, think="on")
    assert (joined(events, ThinkingDelta), joined(events, TextDelta)) == (THOUGHT, "".join(ANSWER))
    assert events[-1] == Done("stop")
    assert usage_of(events).prompt_tokens == prompt_tokens(tokenizer, QUESTION, thinks=True)


async def test_thoughts_alone_are_no_answer(backend):
    events = await ask(backend, think="high", max_tokens=1)
    assert joined(events, ThinkingDelta) == THOUGHT
    assert isinstance(events[-1].error, EmptyAnswer)


async def test_the_beginning_of_a_prompt_is_read_once_for_each_salt(backend):
    rules = Message("system", "Отвечай по источникам. " * 40)
    asked = [(rules, Message("user", f"Вопрос {n}")) for n in range(3)]
    first, second = [usage_of(await ask(backend, messages, cache_salt="торговля")) for messages in asked[:2]]
    other = usage_of(await ask(backend, asked[2], cache_salt="зарплата"))
    assert (first.cached_tokens, other.cached_tokens) == (0, 0)
    assert second.cached_tokens > second.prompt_tokens / 2


async def test_it_counts_as_its_tokenizer_does(backend, tokenizer):
    texts = ["Процедура Проверить(Отказ)\n\tЕсли Отказ Тогда", "три раз", ""]
    counted = await backend.count_tokens("\n".join(texts))
    assert counted == len(tokenizer("\n".join(texts), add_special_tokens=False)["input_ids"])
    assert abs(sum(await make_gateway(backend).count_tokens(texts)) - counted) <= len(texts)


@pytest.mark.parametrize(
    ("text", "max_tokens"), [("слово " * WINDOW_TOKENS, 1), ("слово " * 200_000, 1), ("?", WINDOW_TOKENS + 1)]
)
async def test_what_does_not_fit_is_refused(backend, text, max_tokens):
    (event,) = await ask(backend, [Message("user", text)], max_tokens=max_tokens)
    assert isinstance(event.error, ContextOverflow)


async def test_an_answer_ends_with_the_window(backend):
    # No refusal: the prompt alone fits, and the answer is told to be cut.
    events = await ask(backend, [Message("user", "с" * (WINDOW_TOKENS // 2 - 50))], max_tokens=1000)
    usage = usage_of(events)
    assert usage.prompt_tokens + usage.completion_tokens == WINDOW_TOKENS
    assert usage.completion_tokens < 1000
    assert events[-1] == Done("length")


async def test_a_wrong_key_and_a_wrong_name(url):
    for server, told in ((Server(url, NAME, "sk-1"), "LLM_API_KEY"), (Server(url, "чужая", KEY), f"aliases: {NAME}")):
        backend = VllmBackend(server, Answering())
        (event,) = await ask(backend)
        assert type(event.error) is LlmRefused
        assert told in str(event.error)
        await backend.close()


async def test_auto_finds_it(url, monkeypatch):
    for name, value in {"MODE": "auto", "BASE_URL": f"{url}/v1", "API_KEY": KEY}.items():
        monkeypatch.setenv(f"LLM_{name}", value)
    *others, found = await check_language_model(read_settings())
    assert [probe.backend for probe in others if probe.error] == ["ollama", "tgi"]
    assert (found.error, found.info.model, found.info.context_tokens) == (None, NAME, WINDOW_TOKENS)
    assert found.info.version


async def test_leaving_stops_it(backend, url):
    made, wanted = "generation_tokens_total", WINDOW_TOKENS - 1000
    before = await metric(url, made)
    events = make_gateway(backend).stream(Request(QUESTION, max_tokens=wanted))
    async with contextlib.aclosing(events):
        async for event in events:
            if isinstance(event, TextDelta):
                break
    await until_idle(url)
    assert 0 < await metric(url, made) - before < wanted


async def test_many_chats_four_at_a_time(backend, url):
    gateway, busiest, is_over = make_gateway(backend, concurrency=4, queue=46), 0.0, False

    async def watch() -> None:
        nonlocal busiest
        while not is_over:
            waiting = await metric(url, r"num_requests_waiting\{")
            busiest = max(busiest, waiting + await metric(url, r"num_requests_running\{"))

    watching = asyncio.create_task(watch())
    answers = await asyncio.gather(*(ask(backend, gateway=gateway, max_tokens=300) for _ in range(50)))
    is_over = True
    await watching
    assert [events[-1] for events in answers] == [Done("length")] * 50
    assert 0 < busiest <= 4


async def test_last_a_server_that_goes_away(backend, vllm):
    """The last one, as it ends the server."""
    gateway, asked = make_gateway(backend), Request(QUESTION, max_tokens=WINDOW_TOKENS - 1000)
    async with contextlib.aclosing(gateway.stream(asked)) as events:
        last = None
        async for event in events:
            if last is None:
                kill(vllm[1])  # asked to end, it may go on, give the answer up, report an error, or fall silent
            last = event
    assert isinstance(last.error, LlmUnavailable)
    (event,) = await ask(backend, gateway=gateway)
    assert isinstance(event.error, LlmUnavailable)
