"""The OpenAI-compatible client against a server that others wrote: ``transformers serve``, with a tiny model."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import subprocess
import sys
from pathlib import Path

import anyio
import httpx
import pytest

from hybrid_embeddings.resilience.breaker import Breaker
from rag_demo.llm.gateway import Gateway, Link
from rag_demo.llm.options import Answering, Limits, Server
from rag_demo.llm.probe import probe
from rag_demo.llm.types import Done, Failed, Message, Request, TextDelta, Usage
from rag_demo.llm.vllm import VllmBackend

pytest.importorskip("openai", reason="`transformers serve` needs it")

SERVE = "from transformers.cli.transformers import main; main()"
TEMPLATE = "{% for m in messages %}<s>{{ m['role'] }}\n{{ m['content'] }}</s>{% endfor %}<s>assistant\n"
CORPUS = ["Процедура ОбработкаПроведения(Отказ)", "Где проверяется остаток товара на складе?"] * 50
MESSAGES = (Message("system", "Отвечай."), Message("user", "Где проверяется остаток?"))
START_S = 120


def make_model(folder: Path) -> int:
    """Write a Llama of random weights with a tokenizer trained here; returns the tokens of `MESSAGES`."""
    import torch
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    letters = pre_tokenizers.ByteLevel.alphabet()
    marks = ["<s>", "</s>"]
    trainer = trainers.BpeTrainer(vocab_size=500, special_tokens=marks, initial_alphabet=letters, show_progress=False)
    tokenizer.train_from_iterator(CORPUS, trainer)
    special = dict(zip(("bos_token", "eos_token"), marks, strict=True))
    fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, chat_template=TEMPLATE, **special)
    fast.save_pretrained(folder)
    torch.manual_seed(1)
    config = LlamaConfig(
        vocab_size=len(fast),
        hidden_size=64,
        intermediate_size=128,
        num_hidden_layers=2,
        num_attention_heads=4,
        max_position_embeddings=4096,
    )
    model = LlamaForCausalLM(config)
    # It must not end before its limit: random weights choose the end mark now and then.
    model.generation_config.eos_token_id = None
    model.save_pretrained(folder)
    messages = [{"role": message.role, "content": message.content} for message in MESSAGES]
    return len(fast.apply_chat_template(messages, add_generation_prompt=True, return_dict=True)["input_ids"])


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    folder = tmp_path_factory.mktemp("llm") / "модель"
    return folder, make_model(folder)


@pytest.fixture(scope="module")
def url(model, tmp_path_factory):
    home = tmp_path_factory.mktemp("hub")
    (home / "hub").mkdir()  # the server lists what is there
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-c", SERVE, "serve", str(model[0]), "--device", "cpu", "--host", "127.0.0.1"]
    environment = os.environ | {"HF_HUB_OFFLINE": "1", "HF_HOME": str(home)}
    with (home / "log").open("wb") as log:
        server = subprocess.Popen([*command, "--port", str(port)], env=environment, stdout=log, stderr=log)
        try:
            asyncio.run(until_healthy(f"http://127.0.0.1:{port}", server))
            yield f"http://127.0.0.1:{port}"
        finally:
            server.terminate()
            server.wait(20)


async def until_healthy(url: str, server: subprocess.Popen) -> None:
    async with httpx.AsyncClient(trust_env=False) as client:
        with anyio.fail_after(START_S):
            while True:
                assert server.poll() is None, "the server ended"
                with contextlib.suppress(httpx.TransportError):
                    if (await client.get(f"{url}/health")).is_success:
                        return
                await asyncio.sleep(0.2)


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
    assert any(isinstance(event, TextDelta) for event in started)
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
