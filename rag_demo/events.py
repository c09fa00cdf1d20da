"""What the chat tells those who watch it: frozen records of counts, milliseconds and names from closed sets.

The chat knows no metric. Whoever wants figures subscribes to an `Events`; the records hold no question, no answer
and no name out of a configuration.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from hybrid_embeddings.events import Events

__all__ = [
    "AnswerFinished",
    "CacheLookedUp",
    "CitationsChecked",
    "ContextPacked",
    "Events",
    "GenerationFinished",
    "RetrievalFinished",
]

Outcome = Literal["answered", "refused", "cached", "failed", "cancelled"]
CacheResult = Literal["exact", "similar", "miss"]
TimingSource = Literal["server", "client"]


@dataclass(frozen=True, slots=True)
class RetrievalFinished:
    """One search. ``hit`` tells whether it found evidence: the share of those is the retrieval hit rate."""

    duration_ms: float
    hits: int
    hit: bool
    degraded: tuple[str, ...] = ()  # legs that were missing
    stages_ms: tuple[tuple[str, float], ...] = ()  # "lexical", "dense", "exact", "fusion", …


@dataclass(frozen=True, slots=True)
class ContextPacked:
    """The sources as they go to the model."""

    sources: int
    compressed: int
    context_tokens: int  # rules, conversation, question and sources
    suspicious_lines: int  # in the sources: text that gives orders


@dataclass(frozen=True, slots=True)
class GenerationFinished:
    """One answer of a language model. A time is None where the server does not tell it."""

    backend: str
    first_token_ms: float | None
    slot_ms: float  # waiting for a free slot of this process
    queue_ms: float | None
    load_ms: float | None
    prefill_ms: float | None
    decode_ms: float | None
    prompt_tokens: int | None
    cached_tokens: int | None
    completion_tokens: int | None
    tokens_per_s: float | None
    finish_reason: str
    timings: TimingSource = "client"


@dataclass(frozen=True, slots=True)
class CitationsChecked:
    """What the check of one answer by a model found; ``marked`` sentences bear a warning now."""

    duration_ms: float
    sentences: int
    marked: int
    problems: tuple[tuple[str, int], ...] = ()  # problem → sentences, see `chat.citations.Problem`


@dataclass(frozen=True, slots=True)
class CacheLookedUp:
    """One look into the answer cache."""

    result: CacheResult
    duration_ms: float
    age_s: float | None = None


@dataclass(frozen=True, slots=True)
class AnswerFinished:
    """One question from beginning to end."""

    outcome: Outcome
    backend: str
    total_ms: float
    first_token_ms: float | None = None
    stages_ms: tuple[tuple[str, float], ...] = ()  # "stand_alone", "cache", "retrieve", "pack", "generate", "check"
