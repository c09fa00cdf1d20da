"""What goes to a language model and what comes back: a request, and a stream of events.

A stream is ``Started`` (once the model answers), then ``ThinkingDelta`` and ``TextDelta`` in any number and order,
then ``Usage`` and ``Done``. Where something goes wrong, ``Failed`` ends it at any point. Nothing follows
``Done`` or ``Failed``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from rag_demo.errors import LlmError

Role = Literal["system", "user", "assistant"]
Think = Literal["off", "on", "low", "medium", "high"]
FinishReason = Literal["stop", "length", "other"]
Origin = Literal["server", "client"]


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of a conversation."""

    role: Role
    content: str


@dataclass(frozen=True, slots=True)
class Request:
    """What is to be answered. None means: as configured (``LLM_NUM_PREDICT`` and others)."""

    messages: tuple[Message, ...]
    max_tokens: int | None = None  # of the answer, thinking included
    temperature: float | None = None
    think: Think | None = None
    seed: int | None = None
    stop: tuple[str, ...] = ()
    # Prompts with different salts share no prefix cache (vLLM; the others have no such field): timings of one space
    # then tell nothing of the texts of another.
    cache_salt: str = ""


@dataclass(frozen=True, slots=True)
class Started:
    """The model begins to answer. Comes before its first delta."""

    backend: str  # "ollama", "vllm", "tgi"
    model: str
    role: Role = "assistant"


@dataclass(frozen=True, slots=True)
class ThinkingDelta:
    """The next piece of what the model thinks before it answers."""

    text: str


@dataclass(frozen=True, slots=True)
class TextDelta:
    """The next piece of the answer."""

    text: str


@dataclass(frozen=True, slots=True)
class Usage:
    """What an answer took. None: neither the server told it nor can the client measure it.

    ``origin`` tells whose clock ``prefill_ms``, ``decode_ms`` and ``tokens_per_s`` come from; the client's prefill is
    the time to the first token and contains queue, load and network. ``tokens_per_s`` is of decoding alone.
    ``slot_ms`` (waiting for a free slot of this process), ``first_token_ms`` (request sent → first token) and
    ``total_ms`` (asked → last event) are always measured here.
    """

    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    cached_tokens: int | None = None  # of the prompt, not computed again
    queue_ms: float | None = None  # in the server
    load_ms: float | None = None
    prefill_ms: float | None = None
    decode_ms: float | None = None
    tokens_per_s: float | None = None
    slot_ms: float = 0.0
    first_token_ms: float | None = None
    total_ms: float = 0.0
    retries: int = 0
    origin: Origin = "server"


@dataclass(frozen=True, slots=True)
class Failed:
    """The answer did not come to its end; last event. After deltas, what was shown is only a part of an answer."""

    error: LlmError


@dataclass(frozen=True, slots=True)
class Done:
    """The answer is complete; last event. ``length``: the limit of tokens cut it."""

    finish_reason: FinishReason = "stop"


Event: TypeAlias = "Started | ThinkingDelta | TextDelta | Usage | Failed | Done"


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """What a server says about the model that answers."""

    backend: str
    base_url: str
    model: str
    version: str = ""
    context_tokens: int | None = None  # prompt and answer together
    thinks: bool | None = None  # None: the server does not tell
    warnings: tuple[str, ...] = ()
