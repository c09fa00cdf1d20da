"""The OpenAI-compatible client against a server that others wrote: ``transformers serve``, with a tiny model."""

from __future__ import annotations

import asyncio
import contextlib
import sys

import pytest

from hybrid_embeddings.resilience.breaker import Breaker
from rag_demo.llm.gateway import Gateway, Link
from rag_demo.llm.options import Answering, Limits, Server
from rag_demo.llm.probe import probe
from rag_demo.llm.types import Done, Failed, Message, Request, TextDelta, Usage
from rag_demo.llm.vllm import VllmBackend
from tests.causal_model import ENDLESS, free_port, make_model, prompt_tokens, running

pytest.importorskip("openai", reason="`transformers serve` needs it")

SERVE = "from transformers.cli.transformers import main; main()"
MESSAGES = (Message("system", "Отвечай."), Message("user", "Где проверяется остаток?"))


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    folder = tmp_path_factory.mktemp("llm") / "модель"
    return folder, prompt_tokens(make_model(folder), MESSAGES)


@pytest.fixture(scope="module")
def url(model, tmp_path_factory):
    home = tmp_path_factory.mktemp("hub")
    (home / "hub").mkdir()  # the server lists what is there
    url = f"http://127.0.0.1:{(port := free_port())}"
    command = [sys.executable, "-c", SERVE, "serve", str(model[0]), "--device", "cpu", "--host", "127.0.0.1"]
    environment = {"HF_HUB_OFFLINE": "1", "HF_HOME": str(home)}
    with running([*command, "--port", str(port)], url, log=home / "log", environment=environment):
        yield url


@pytest.fixture
async def backend(url, model):
    backend = VllmBackend(Server(url, str(model[0])), Answering(num_predict=8, temperature=0.5))
    yield backend
    await backend.close()


def make_gateway(backend: VllmBackend) -> Gateway:
    breaker = Breaker(threshold=3, timeout_s=60)
    return Gateway([Link(backend, breaker)], limits=Limits(total_s=60, concurrency=2, queue=10))


async def ask(gateway: Gateway, **options) -> list:
    async with contextlib.aclosing(gateway.stream(Request(MESSAGES, **options))) as events:
        return [event async for event in events]


async def test_it_streams_an_answer_with_the_tokens_that_the_tokenizer_counts(backend, model):
    *started, usage, done = await ask(make_gateway(backend), max_tokens=24)
    assert "".join(event.text for event in started if isinstance(event, TextDelta)) == "".join(ENDLESS) * 8
    assert (usage.prompt_tokens, usage.completion_tokens) == (model[1], 24)
    assert done == Done("length")
    assert usage.origin == "client"
    assert 0 < usage.first_token_ms <= usage.total_ms


async def test_a_probe_gets_a_token(backend, url):
    tried = await probe(backend, timeout_s=60)
    assert tried.error is None
    assert (tried.info.base_url, tried.first_token_ms > 0) == (url, True)


async def test_several_at_once(backend):
    gateway = make_gateway(backend)
    answers = await asyncio.gather(*(ask(gateway) for _ in range(6)))
    assert [events[-1] for events in answers] == [Done("length")] * 6
    assert [event.completion_tokens for events in answers for event in events if isinstance(event, Usage)] == [8] * 6


async def test_leaving_stops_the_server(backend):
    gateway = make_gateway(backend)
    async with contextlib.aclosing(gateway.stream(Request(MESSAGES, max_tokens=3000))) as events:
        async for event in events:
            if isinstance(event, TextDelta):
                break
    # It generates one answer at a time: this one would wait for the 3,000 tokens if they were still made.
    assert (await ask(gateway, max_tokens=2))[-1] == Done("length")


async def test_a_field_that_it_refuses_is_told(backend):
    class Odd(VllmBackend):
        def _extras(self, request):
            return {"nonsense": 1}

    odd = Odd(backend._server, backend._answering)
    (event,) = await ask(make_gateway(odd))
    assert isinstance(event, Failed)
    assert "nonsense" in str(event.error)
    await odd.close()
