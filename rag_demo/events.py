"""What the chat tells those who watch it: frozen records of counts, milliseconds and names from closed sets.

The chat knows no metric. Whoever wants figures subscribes to an `Events`; the records hold no question, no answer
and no name out of a configuration.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from hybrid_embeddings.events import BreakerState, Events

__all__ = [
    "AnswerFinished",
    "BackendChanged",
    "BackendFailed",
    "CacheLookedUp",
    "CitationsChecked",
    "ContextPacked",
    "Events",
    "GenerationFinished",
    "RequestFinished",
    "Reranked",
    "RetrievalFinished",
    "SpaceUpdateFailed",
    "SpaceUpdated",
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
    evidence: float | None = None  # see `chat.confidence`: 1 is enough; None: no hit, or a list
    degraded: tuple[str, ...] = ()  # legs that were missing
    stages_ms: tuple[tuple[str, float], ...] = ()  # "lexical", "dense", "exact", "fusion", …


@dataclass(frozen=True, slots=True)
class Reranked:
    """A cross-encoder looked at the first hits of a search, or did not come to an end."""

    duration_ms: float
    candidates: int
    outcome: Literal["done", "timeout", "failed"]


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
    retries: int = 0  # attempts that failed before the one that answered


@dataclass(frozen=True, slots=True)
class BackendFailed:
    """A server gave no answer, all its attempts together, or broke off. ``error`` is the name of a class."""

    backend: str
    error: str


@dataclass(frozen=True, slots=True)
class BackendChanged:
    """The breaker of a server opened or closed."""

    backend: str
    state: BreakerState


@dataclass(frozen=True, slots=True)
class CitationsChecked:
    """What the check of one answer by a model found; ``marked`` sentences bear a warning now."""

    duration_ms: float
    sentences: int
    marked: int
    problems: tuple[tuple[str, int], ...] = ()  # problem → sentences, see `chat.checking.citations.Problem`


@dataclass(frozen=True, slots=True)
class CacheLookedUp:
    """One look into the answer cache."""

    result: CacheResult
    duration_ms: float
    age_s: float | None = None


@dataclass(frozen=True, slots=True)
class AnswerFinished:
    """One question from beginning to end. ``error`` is the name of the class if it failed."""

    outcome: Outcome
    backend: str
    total_ms: float
    first_token_ms: float | None = None
    stages_ms: tuple[tuple[str, float], ...] = ()  # "stand_alone", "cache", "retrieve", "pack", "generate", "check"
    error: str = ""


@dataclass(frozen=True, slots=True)
class SpaceUpdated:
    """An index was made, or brought up to date; documents are those of the update."""

    result: Literal["built", "updated", "unchanged"]
    duration_ms: float
    added: int = 0
    changed: int = 0
    removed: int = 0
    lag_s: float | None = None  # from the last change of a file to the revision that shows it; None: not an update


@dataclass(frozen=True, slots=True)
class SpaceUpdateFailed:
    """An index stayed as it was. ``error`` is the name of a class."""

    error: str


@dataclass(frozen=True, slots=True)
class RequestFinished:
    """A request over HTTP. ``route`` is the template of the route, or "other"; of a stream, its last byte was sent."""

    route: str
    status: int
    duration_ms: float
