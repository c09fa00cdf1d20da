"""The seams of the engine: what a device has to offer to take part."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol, runtime_checkable

from hybrid_embeddings.types import Batch, MemoryReading, Vectors


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
