"""A causal language model whose answers are known, and other people's servers to run it.

Each word has one successor. Layers that add nothing leave a token's own vector, and the output weights of a word are
the vectors of the words before it: so the successor of the last token wins, at every temperature in use.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
import signal
import socket
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import anyio
import httpx

from rag_demo.llm.types import Message

WINDOW_TOKENS = 16_384
ENDLESS = (" раз", " два", " три")  # and so on: what it says without thinking
THOUGHT, ANSWER = "Ищу", ("Склад", " пуст.")  # what it says with it; then it ends
_TEMPLATE = (
    "{% for m in messages %}<s>{{ m['role'] }}\n{{ m['content'] }}</s>{% endfor %}<s>assistant\n"
    "{% if enable_thinking %}<think>{% endif %}"
)
_CHAINS = (("\n", *ENDLESS, ENDLESS[0]), ("<think>", THOUGHT, "</think>", *ANSWER, "</s>"))
_START_S = 240


def make_model(folder: Path) -> Any:
    """Write it with a tokenizer of bytes and the words of its answers; returns the tokenizer."""
    import torch
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokenizer = Tokenizer(models.BPE({letter: number for number, letter in enumerate(letters)}, []))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    marks = {"bos_token": "<s>", "eos_token": "</s>"}
    fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, chat_template=_TEMPLATE, **marks)
    fast.add_tokens([word for word in itertools.chain(*_CHAINS) if word not in {"\n", "</s>"}])
    fast.save_pretrained(folder)
    config = LlamaConfig(
        vocab_size=len(fast),
        hidden_size=64,
        intermediate_size=64,
        num_hidden_layers=1,
        num_attention_heads=1,
        max_position_embeddings=WINDOW_TOKENS,
        bos_token_id=fast.bos_token_id,
        eos_token_id=fast.eos_token_id,
    )
    torch.manual_seed(1)
    model = LlamaForCausalLM(config)
    with torch.no_grad():
        layer, vectors = model.model.layers[0], torch.randn_like(model.model.embed_tokens.weight)
        layer.self_attn.o_proj.weight.zero_()
        layer.mlp.down_proj.weight.zero_()
        model.model.embed_tokens.weight.copy_(vectors)
        model.lm_head.weight.zero_()
        for before, after in itertools.chain(*map(itertools.pairwise, _CHAINS)):
            (known,), (next_one,) = (fast(word, add_special_tokens=False)["input_ids"] for word in (before, after))
            model.lm_head.weight[next_one] += vectors[known]
    model.save_pretrained(folder)
    return fast


def prompt_tokens(tokenizer: Any, messages: Sequence[Message], *, thinks: bool = False) -> int:
    """Tokens of the whole prompt, the words of the template included."""
    told = [{"role": message.role, "content": message.content} for message in messages]
    options = {"add_generation_prompt": True, "return_dict": True, "enable_thinking": thinks}
    return len(tokenizer.apply_chat_template(told, **options)["input_ids"])


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


@contextlib.contextmanager
def running(
    command: Sequence[str], url: str, *, log: Path, environment: Mapping[str, str]
) -> Iterator[subprocess.Popen]:
    """A server as a process, from when it is healthy; asked to end, then made to."""
    with log.open("wb") as written:
        server = subprocess.Popen(
            command, env=os.environ | environment, stdout=written, stderr=written, start_new_session=True
        )
        try:
            asyncio.run(_until_healthy(url, server, log))
            yield server
        finally:
            server.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                server.wait(60)
            kill(server)


def kill(server: subprocess.Popen) -> None:
    """End it at once, with the processes that it has started."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(server.pid, signal.SIGKILL)
    server.wait()


async def _until_healthy(url: str, server: subprocess.Popen, log: Path) -> None:
    async with httpx.AsyncClient(trust_env=False) as client:
        with anyio.fail_after(_START_S):
            while True:
                assert server.poll() is None, f"the server ended; it says why in {log}"
                with contextlib.suppress(httpx.TransportError):
                    if (await client.get(f"{url}/health")).is_success:
                        return
                await asyncio.sleep(0.2)
