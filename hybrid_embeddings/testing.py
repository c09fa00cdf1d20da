"""Public fakes for tests of programs that use the engine, and for our own."""

from __future__ import annotations

import threading
import time
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np

from hybrid_embeddings.errors import LaneOutOfMemory
from hybrid_embeddings.types import Batch, TokenIds, Vectors

Fault = Callable[[int, Batch], "Vectors | None"]
"""Called with the number of the batch (from 0) and the batch: raise, return odd vectors, or None to go on."""


class SimulatedLane:
    """A device that takes time and memory like a real one and gives vectors that can be checked.

    A batch takes ``overhead_s + padded_tokens / tokens_per_s`` seconds. Batches above ``memory_tokens`` padded
    tokens raise :class:`LaneOutOfMemory`. Everything is deterministic except the scheduling of threads.
    """

    numeric_class = "float32"

    def __init__(
        self,
        name: str = "simulated:0",
        *,
        dimension: int = 8,
        tokens_per_s: float = float("inf"),
        overhead_s: float = 0.0,
        n_slots: int = 1,
        max_batch_tokens: int = 2048,
        memory_tokens: int | None = None,
        fault: Fault | None = None,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        self.name = name
        self.device = name
        self.dimension = dimension
        self.n_slots = n_slots
        self.max_batch_tokens = max_batch_tokens
        self.closed = False
        self.batches: list[Batch] = []
        self._seconds_per_token = 1.0 / tokens_per_s
        self._overhead_s = overhead_s
        self._memory_tokens = memory_tokens
        self._fault = fault
        self._sleep = sleep
        self._lock = threading.Lock()

    def run(self, batch: Batch) -> Vectors:
        """See :class:`hybrid_embeddings.ports.Lane`."""
        with self._lock:
            number = len(self.batches)
            self.batches.append(batch)
        if self._memory_tokens is not None and batch.padded_tokens > self._memory_tokens:
            raise LaneOutOfMemory(f"{batch.padded_tokens} tokens do not fit into {self._memory_tokens}")
        seconds = self._overhead_s + batch.padded_tokens * self._seconds_per_token
        if seconds > 0:
            self._sleep(seconds)
        odd = self._fault(number, batch) if self._fault is not None else None
        if odd is not None:
            return odd
        return np.stack([simulated_vector(text.ids, self.dimension) for text in batch.texts])

    def close(self) -> None:
        """See :class:`hybrid_embeddings.ports.Lane`."""
        self.closed = True


def simulated_vector(ids: TokenIds, dimension: int) -> Vectors:
    """Return the vector that every :class:`SimulatedLane` gives for token ids: float32, shape (dimension,)."""
    seed = zlib.crc32(np.ascontiguousarray(ids, dtype=np.int32).tobytes())
    return np.sin(np.arange(1, dimension + 1) * (seed % 100_003 + 1)).astype(np.float32)


class RecordsInMemory:
    """A store of records that fails on command; see :class:`hybrid_embeddings.ports.RecordTier`.

    ``error`` is raised by every method while it is set; nothing is written while ``gate`` is cleared. ``calls`` notes
    look-ups with their number of keys, and writes.
    """

    def __init__(self, name: str = "sql") -> None:
        self.name = name
        self.address = f"{name} in memory"
        self.records: dict[tuple[bytes, bytes], bytes] = {}
        self.descriptions: dict[bytes, dict[str, str]] = {}
        self.calls: list[str] = []
        self.error: Exception | None = None
        self.gate = threading.Event()
        self.gate.set()
        self.closed = False

    def get_many(self, space: bytes, keys: Sequence[bytes]) -> list[bytes | None]:
        """Return what is there."""
        self._note(f"get {len(keys)}")
        return [self.records.get((space, key)) for key in keys]

    def put_many(self, space: bytes, records: Mapping[bytes, bytes]) -> None:
        """Store, as soon as the gate is open."""
        self.gate.wait()
        self._note("put")
        self.records.update({(space, key): record for key, record in records.items()})

    def delete_many(self, space: bytes, keys: Sequence[bytes]) -> None:
        """Remove."""
        self._note("delete")
        for key in keys:
            self.records.pop((space, key), None)

    def register(self, space: bytes, description: Mapping[str, str]) -> None:
        """Remember what a space is."""
        self._fail_if_wanted()
        self.descriptions[space] = dict(description)

    def spaces(self) -> dict[bytes, dict[str, str]]:
        """Return what was registered."""
        self._fail_if_wanted()
        return dict(self.descriptions)

    def scan(self, space: bytes | None = None) -> Iterator[tuple[bytes, bytes, bytes]]:
        """Yield everything, or one space."""
        self._fail_if_wanted()
        for (of_space, key), record in sorted(self.records.items()):
            if space in {None, of_space}:
                yield of_space, key, record

    def purge(self, space: bytes | None = None) -> int:
        """Remove everything, or one space."""
        self._fail_if_wanted()
        doomed = [name for name in self.records if space in {None, name[0]}]
        for name in doomed:
            del self.records[name]
        return len(doomed)

    def close(self) -> None:
        """Note it."""
        self.closed = True

    def _note(self, call: str) -> None:
        self.calls.append(call)
        self._fail_if_wanted()

    def _fail_if_wanted(self) -> None:
        if self.error is not None:
            raise self.error
