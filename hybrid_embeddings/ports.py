"""The seams of the engine: what a device, a cache, a tier of a cache have to offer to take part."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal, Protocol, runtime_checkable

from hybrid_embeddings.keys import Space
from hybrid_embeddings.types import Batch, Facts, Importance, Lookup, MemoryReading, Vectors


@runtime_checkable
class Lane(Protocol):
    """One replica of the model on one device.

    ``run`` is called from ``n_slots`` threads at once and must be safe for that. The scheduler asks a lane for
    facts (how much fits, how many batches at a time) and never for its type.
    """

    @property
    def name(self) -> str:
        """Unique in the service, e.g. ``cpu`` or ``cuda:1``."""

    @property
    def device(self) -> str:
        """``cpu``, ``cuda:0``, …: what ``use_device`` selects."""

    @property
    def numeric_class(self) -> str:
        """``float32``, ``bfloat16`` or ``float16``: what the arithmetic of this lane is."""

    @property
    def n_slots(self) -> int:
        """How many batches the lane works on at the same time."""

    @property
    def max_batch_tokens(self) -> int:
        """Padded tokens (rows × longest row) of the batch size at which the lane is fastest."""

    def run(self, batch: Batch) -> Vectors:
        """Return the vectors of a batch: float32, shape (rows, dim), order of ``batch.texts``.

        Raises:
            LaneOutOfMemory: the batch does not fit; a smaller one may.
            LaneError: anything else.
        """

    def close(self) -> None:
        """Give back threads and memory. Called once, when no ``run`` is under way."""


@runtime_checkable
class ReportsMemory(Protocol):
    """What a lane may offer beyond :class:`Lane`: facts that fit its batches to the memory of its device."""

    def memory(self) -> MemoryReading:
        """Return the memory of the device now. Called after every batch, so it should take microseconds."""


@runtime_checkable
class WorksInBackground(Protocol):
    """What a lane offers besides :class:`Lane` if it prepares things on threads of its own."""

    def settle(self) -> None:
        """Wait until nothing is under way but what :meth:`Lane.run` does. Called before the process forks."""


class PoolState(Protocol):
    """Figures of one pool of buffers; see :class:`hybrid_embeddings.models.memory_pool.PoolStats`."""

    @property
    def n_hits(self) -> int:
        """Leases that needed no allocation."""

    @property
    def n_misses(self) -> int:
        """Leases that needed one."""

    @property
    def in_use_bytes(self) -> int:
        """Bytes of buffers that are lent now."""

    @property
    def held_bytes(self) -> int:
        """Bytes of all buffers of the pool."""

    @property
    def limit_bytes(self) -> int:
        """Most bytes that the pool may hold."""

    @property
    def fragmentation(self) -> float:
        """1 − requested / held."""


@runtime_checkable
class PooledMemory(Protocol):
    """What a lane offers besides :class:`Lane` if it works with pools of buffers."""

    def pool_stats(self) -> Mapping[str, PoolState]:
        """Return the figures of each pool, by name; none if the lane has no pool."""


class VectorCache(Protocol):
    """What the pipeline asks before it computes, and tells afterwards. A failure costs time, never an answer."""

    @property
    def may_wait(self) -> bool:
        """Whether a look-up may have to wait for a server or a disk."""

    def get_many(self, space: Space, texts: Sequence[str], importance: Importance | None = None) -> Lookup | None:
        """Return what is known of texts, row by row; None if nothing is."""

    def put_many(
        self, space: Space, texts: Sequence[str], vectors: Vectors, facts: Facts, importance: Importance | None = None
    ) -> None:
        """Keep vectors, float32 (n, dim), with tokens and cut-off tokens of their texts, int32 (n, 2)."""

    def stats(self) -> dict[str, Any]:
        """Return size, limits, hits and misses, in all and per tier. JSON-ready; asks no server."""

    def health(self) -> dict[str, dict[str, str]]:
        """Return status and detail of every tier that can fail."""

    def flush(self, timeout_s: float | None = None) -> bool:
        """Wait until everything is written to the slower tiers; False when the time is over before."""

    def close(self) -> None:
        """Write what is left and let go of connections. Idempotent."""


class RecordTier(Protocol):
    """A slower tier: records by key in a store that processes may share. One round trip per call.

    Methods raise :class:`CacheTierError`, nothing else. Threads may share a tier.
    """

    @property
    def name(self) -> str:
        """``redis``, ``sql``: for statistics."""

    @property
    def address(self) -> str:
        """Where the store is, with secrets masked."""

    def get_many(self, space: bytes, keys: Sequence[bytes]) -> list[bytes | None]:
        """Return the record of each key, None where there is none or its time is over."""

    def put_many(self, space: bytes, records: Mapping[bytes, bytes]) -> None:
        """Store records; those with the same key are replaced."""

    def delete_many(self, space: bytes, keys: Sequence[bytes]) -> None:
        """Remove records. Keys that are not there are fine."""

    def register(self, space: bytes, description: Mapping[str, str]) -> None:
        """Remember what a space is, for people: see :meth:`Space.described`."""

    def spaces(self) -> dict[bytes, dict[str, str]]:
        """Return the registered spaces."""

    def scan(self, space: bytes | None = None) -> Iterator[tuple[bytes, bytes, bytes]]:
        """Yield (space, key, record) of everything, or of one space."""

    def purge(self, space: bytes | None = None) -> int:
        """Remove everything, or one space; return how many records that were."""

    def close(self) -> None:
        """Let go of connections. Idempotent."""


class MessageStream(Protocol):
    """A bounded stream of messages that processes share. Methods raise :class:`CacheTierError`, nothing else."""

    def append(self, message: bytes) -> None:
        """Send a message; the oldest ones go when the stream is full."""

    def read(self, block_s: float) -> list[bytes]:
        """Return messages that were not read yet, oldest first; wait up to ``block_s`` seconds for one."""

    def close(self) -> None:
        """Let go of the connection."""


class CircuitBreaker(Protocol):
    """Tells whether a part that may fail gets work; see :class:`hybrid_embeddings.resilience.breaker.Breaker`."""

    @property
    def state(self) -> Literal["closed", "open", "half_open"]:
        """``half_open`` as soon as a trial would be let through."""

    def allow(self) -> bool:
        """Tell whether work may start; in half-open state this claims the trial."""

    def success(self) -> None:
        """Work succeeded."""

    def failure(self) -> None:
        """Work failed."""

    def abandon_trial(self) -> None:
        """Work that :meth:`allow` let start did not come to an end: its trial, if it was one, is given back."""
