"""What the engine tells those who watch it: frozen records, and the list of who listens.

The engine knows no metric and no log format. It emits these records; :mod:`hybrid_embeddings.observability` turns
them into Prometheus metrics, log lines and error budgets. Records hold counts, seconds and names from closed sets,
never a text, a vector or a key.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from hybrid_embeddings.types import Kind

Event = object
Subscriber = Callable[[Event], None]
BreakerState = Literal["closed", "half_open", "open"]
BatchFailure = Literal["error", "out_of_memory", "timeout", "not_finite"]

_log = logging.getLogger("hybrid_embeddings.events")


class Events:
    """The subscribers of one service.

    False while nobody listens, so that records need not even be made: ``if events: events.emit(BatchFailed(...))``.
    """

    __slots__ = ("_subscribers",)

    def __init__(self) -> None:
        self._subscribers: tuple[Subscriber, ...] = ()

    def __bool__(self) -> bool:
        return bool(self._subscribers)

    def subscribe(self, subscriber: Subscriber) -> Callable[[], None]:
        """Call ``subscriber`` with every record from now on, on the thread where it happens; it must be quick.

        Returns:
            A function that ends the subscription.
        """
        # A new tuple each time: `emit` iterates without a lock.
        self._subscribers = (*self._subscribers, subscriber)

        def end() -> None:
            self._subscribers = tuple(other for other in self._subscribers if other is not subscriber)

        return end

    def emit(self, event: Event) -> None:
        """Hand a record to every subscriber. One that fails is logged; work goes on."""
        for subscriber in self._subscribers:
            try:
                subscriber(event)
            except Exception:  # noqa: BLE001 - foreign code must not fail a call
                _log.exception("a subscriber failed on %s", type(event).__name__)


@dataclass(frozen=True, slots=True)
class EncodeFinished:
    """A call got its vectors."""

    kind: Kind
    device: str  # cpu, cuda:0, …; "hybrid": several; "static"; "cache": nothing was computed
    n_texts: int
    n_computed: int
    n_cached: int
    n_tokens: int
    n_truncated: int
    tokenize_s: float
    total_s: float


@dataclass(frozen=True, slots=True)
class EncodeFailed:
    """A call ended with an error. ``error`` is the name of its class."""

    kind: Kind
    error: str
    n_texts: int
    total_s: float
    fault: Literal["caller", "service"]
    """``caller``: the input cannot be embedded; does not count against the objectives."""


@dataclass(frozen=True, slots=True)
class BatchFinished:
    """A lane returned the vectors of a batch."""

    lane: str
    n_texts: int
    n_tokens: int
    n_padded_tokens: int
    run_s: float


@dataclass(frozen=True, slots=True)
class BatchFailed:
    """A lane did not: its items go to another try."""

    lane: str
    reason: BatchFailure
    n_texts: int


@dataclass(frozen=True, slots=True)
class BreakerChanged:
    """The breaker of a lane or of a cache tier opened or closed."""

    component: str
    state: BreakerState


@dataclass(frozen=True, slots=True)
class BudgetChanged:
    """The token budget of a lane changed."""

    lane: str
    tokens: int
    direction: Literal["up", "down"]


@dataclass(frozen=True, slots=True)
class LaneLoaded:
    """A device takes part."""

    lane: str
    numeric_class: str
    worst_error: float  # largest 1-cos against the float32 references
    load_s: float


@dataclass(frozen=True, slots=True)
class LaneRefused:
    """A device does not take part. ``error`` is the name of the class of the cause."""

    lane: str
    error: str


@dataclass(frozen=True, slots=True)
class CacheLookedUp:
    """A tier was asked for many keys at once."""

    tier: str  # memory, redis, sql, near
    n_hits: int
    n_misses: int
    seconds: float


@dataclass(frozen=True, slots=True)
class CacheWritten:
    """A tier took records, or they were dropped because its queue is full."""

    tier: str
    n_records: int
    n_bytes: int
    n_dropped: int


@dataclass(frozen=True, slots=True)
class CacheFailed:
    """A tier could not do its work; the call went on without it. ``error`` is the name of a class."""

    tier: str
    operation: Literal["get", "put", "delete"]
    error: str


@dataclass(frozen=True, slots=True)
class RecordsDamaged:
    """Records that could not be read were treated as misses and deleted."""

    tier: str
    n_records: int


@dataclass(frozen=True, slots=True)
class VectorsQuantized:
    """Vectors were stored in fewer bits; ``worst_error`` is the largest 1-cos of a checked sample."""

    codec: str
    n_vectors: int
    worst_error: float
    n_bytes_saved: int


@dataclass(frozen=True, slots=True)
class NearDuplicateChecked:
    """The near-duplicate tier decided about texts, or measured itself by computing what it would have returned.

    ``gated``: a similar text is known, but words differ that may not. ``miss``: none is known, or what differs was not
    measured well enough, or the text is of the sample that is computed all the same.
    """

    outcome: Literal["hit", "miss", "gated", "shadow"]
    n_texts: int = 1
    similarity: float | None = None  # estimated cosine to the text that was found
    true_cosine: float | None = None  # measured, of a text that would have been answered
