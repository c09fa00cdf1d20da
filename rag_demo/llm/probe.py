"""Finding out which server really answers: not only whether it lives, but whether it generates."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass

import anyio

from rag_demo.errors import LlmError, LlmTimeout
from rag_demo.llm.ports import Backend
from rag_demo.llm.types import Done, Message, ModelInfo, Request, TextDelta, ThinkingDelta

# A server can report health while its engine hangs, and list models that it cannot load: so something is generated.
_QUESTION = Request((Message("user", "1+1="),), max_tokens=8, temperature=0.0, think="off")


@dataclass(frozen=True, slots=True)
class Probe:
    """What one back end did when it was asked for a token. ``error`` is None where it answered."""

    backend: str
    base_url: str
    info: ModelInfo | None = None
    first_token_ms: float | None = None
    error: LlmError | None = None


async def probe(backend: Backend, *, timeout_s: float, clock: Callable[[], float] = time.monotonic) -> Probe:
    """Ask ``backend`` what it is and for a token, within ``timeout_s`` seconds together. Never raises `LlmError`."""
    info = None
    try:
        with anyio.fail_after(timeout_s):
            info = await backend.describe()
            started = clock()
            await _first_token(backend)
            first_token_ms = (clock() - started) * 1e3
    except TimeoutError:
        late = LlmTimeout(f"{backend.name} at {backend.base_url} gave no token within {timeout_s:g} s.")
        return Probe(backend.name, backend.base_url, info, error=late)
    except LlmError as error:
        return Probe(backend.name, backend.base_url, info, error=error)
    return Probe(backend.name, backend.base_url, info, first_token_ms)


async def first_that_answers(backends: Sequence[Backend], *, timeout_s: float) -> tuple[Backend | None, list[Probe]]:
    """The first of ``backends`` that generates, None if none does; and what each did that was asked."""
    probes = []
    for backend in backends:
        probes.append(await probe(backend, timeout_s=timeout_s))
        if probes[-1].error is None:
            return backend, probes
    return None, probes


async def _first_token(backend: Backend) -> None:
    async with aclosing(backend.stream(_QUESTION)) as events:
        async for event in events:
            if isinstance(event, (TextDelta, ThinkingDelta, Done)):
                return
