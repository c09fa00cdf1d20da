"""Buffers that are used again: pinned host memory and device memory for the copies of a GPU lane.

Allocating pinned memory takes milliseconds and stops the device; a lease from this pool takes microseconds.
The pool knows nothing of torch: what a buffer is, is decided by the :class:`Allocator`.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Generic, Protocol, TypeVar

Buffer = TypeVar("Buffer")
BufferOut_co = TypeVar("BufferOut_co", covariant=True)

# Nothing is smaller: a page of pinned memory costs as much as sixteen, and all single queries share one class.
SMALLEST_BYTES = 1 << 16
# Four classes per doubling waste 20 % of a buffer at most (powers of two: 50 %) and are still so few that buffers
# are met again: 1 KiB … 1 GiB needs 57 of them.
_STEPS_PER_DOUBLING = 4
_N_RECENT = 64
_QUANTILE = 0.9


class Allocator(Protocol[BufferOut_co]):
    """Makes buffers. A buffer is freed like any Python object: when nobody refers to it any more."""

    def __call__(self, n_bytes: int, /) -> BufferOut_co:
        """Return a new buffer of exactly ``n_bytes`` bytes. Whatever it raises reaches who asked for the lease."""


@dataclass(frozen=True, slots=True)
class PoolStats:
    """Totals since the start, and the present state in bytes."""

    n_hits: int = 0
    n_misses: int = 0
    n_unpooled: int = 0  # part of the misses: no room under the limit, freed right after use
    n_evicted: int = 0
    n_leased: int = 0  # leases at this moment, unpooled ones left out; the same holds for the next two
    requested_bytes: int = 0
    in_use_bytes: int = 0
    held_bytes: int = 0  # in use and waiting for use
    limit_bytes: int = 0

    @property
    def fragmentation(self) -> float:
        """Return 1 − requested / held: the share of held memory that nobody asked for now. 0 for an empty pool."""
        return 1.0 - self.requested_bytes / self.held_bytes if self.held_bytes else 0.0

    @property
    def hit_rate(self) -> float:
        """Return the share of leases that needed no allocation, 0 … 1."""
        return self.n_hits / max(self.n_hits + self.n_misses, 1)


@dataclass(slots=True, eq=False)  # told apart by identity: the content of buffers says nothing
class _Slab(Generic[Buffer]):
    """A buffer of the pool with its size class; ``idle_since_s`` says when it came back."""

    n_bytes: int
    buffer: Buffer
    idle_since_s: float = 0.0


class MemoryPool(Generic[Buffer]):
    """A bounded set of buffers. Threads may share it.

    A lease never fails for want of room in the pool: what does not fit under the limit is allocated for this one
    use. Buffers that nobody leased for ``idle_s`` seconds are freed at the next lease or look at the statistics
    (there is no thread of its own for that).
    """

    def __init__(
        self,
        allocate: Allocator[Buffer],
        *,
        limit_bytes: int,
        idle_s: float = 60.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Make an empty pool.

        Args:
            allocate: makes buffers.
            limit_bytes: most bytes held, used and idle together; 0 switches the pool off.
            idle_s: seconds after which an unused buffer is freed.
            clock: monotonic seconds.
        """
        self._allocate = allocate
        self._idle_s = idle_s
        self._clock = clock
        self._lock = threading.Lock()
        self._idle: deque[_Slab[Buffer]] = deque()  # longest unused first
        self._recent: deque[int] = deque(maxlen=_N_RECENT)
        self._stats = PoolStats(limit_bytes=limit_bytes)

    @contextmanager
    def lease(self, n_bytes: int) -> Iterator[Buffer]:
        """Lend a buffer of at least ``n_bytes`` bytes with undefined content; nobody else has it meanwhile."""
        slab = self._take(n_bytes)
        if slab is None:
            yield self._allocate(n_bytes)
            return
        try:
            yield slab.buffer
        finally:
            self._give_back(slab, n_bytes)

    def preallocate(self, sizes: Sequence[int]) -> None:
        """Make buffers that will be needed at the same time, as far as the limit allows."""
        for n_bytes in sizes:
            slab = self._new_slab(size_class(n_bytes))
            if slab is not None:
                with self._lock:
                    self._park(slab)

    def predicted_bytes(self) -> int:
        """Estimate the next request: the 90 % quantile (nearest rank) of the last 64; 0 before the first.

        Batches are filled up to a token budget, so sizes repeat: a high quantile fits nearly all of them, and
        unlike the maximum it forgets a single odd batch.
        """
        with self._lock:
            return self._predicted()

    def stats(self) -> PoolStats:
        """Return the counters; frees buffers that are idle for too long."""
        with self._lock:
            self._free_idle(self._clock() - self._idle_s)
            return self._stats

    def clear(self) -> None:
        """Free every buffer that is not leased at this moment."""
        with self._lock:
            self._free_idle(float("inf"))

    def _take(self, n_bytes: int) -> _Slab[Buffer] | None:
        """Return a buffer, or None if there is no room for it."""
        with self._lock:
            self._free_idle(self._clock() - self._idle_s)
            self._recent.append(n_bytes)
            slab = self._best_fit(n_bytes)
            if slab is not None:
                self._count(n_hits=1, n_leased=1, requested_bytes=n_bytes, in_use_bytes=slab.n_bytes)
                return slab
            self._count(n_misses=1)
            predicted = self._predicted()
        # A buffer for the expected size serves this request and the next ones, unless it wastes half of itself.
        expected = predicted if n_bytes < predicted <= 2 * n_bytes else n_bytes
        slab = self._new_slab(size_class(expected))
        with self._lock:
            if slab is None:
                self._count(n_unpooled=1)
            else:
                self._count(n_leased=1, requested_bytes=n_bytes, in_use_bytes=slab.n_bytes)
        return slab

    def _give_back(self, slab: _Slab[Buffer], n_bytes: int) -> None:
        with self._lock:
            self._count(n_leased=-1, requested_bytes=-n_bytes, in_use_bytes=-slab.n_bytes)
            self._park(slab)

    def _new_slab(self, n_bytes: int) -> _Slab[Buffer] | None:
        """Allocate outside the lock: it may take milliseconds, and others can use what is there."""
        with self._lock:
            if not self._make_room(n_bytes):
                return None
            self._count(held_bytes=n_bytes)
        try:
            return _Slab(n_bytes, self._allocate(n_bytes))
        except BaseException:
            with self._lock:
                self._count(held_bytes=-n_bytes)
            raise

    # ------------------------------------------------------- under the lock

    def _best_fit(self, n_bytes: int) -> _Slab[Buffer] | None:
        """Take the smallest idle buffer that fits and is at most twice as large; of equals the last used one."""
        fitting = [slab for slab in self._idle if n_bytes <= slab.n_bytes <= max(2 * n_bytes, SMALLEST_BYTES)]
        if not fitting:
            return None
        slab = min(reversed(fitting), key=lambda candidate: candidate.n_bytes)
        self._idle.remove(slab)
        return slab

    def _make_room(self, n_bytes: int) -> bool:
        """Free the longest unused buffers until ``n_bytes`` fit; frees nothing if that cannot be reached."""
        stats = self._stats
        needed = stats.held_bytes + n_bytes - stats.limit_bytes
        if needed > sum(slab.n_bytes for slab in self._idle):
            return False
        while needed > 0:
            needed -= self._evict()
        return True

    def _free_idle(self, before_s: float) -> None:
        while self._idle and self._idle[0].idle_since_s <= before_s:
            self._evict()

    def _evict(self) -> int:
        slab = self._idle.popleft()
        self._count(n_evicted=1, held_bytes=-slab.n_bytes)
        return slab.n_bytes

    def _park(self, slab: _Slab[Buffer]) -> None:
        slab.idle_since_s = self._clock()
        self._idle.append(slab)

    def _predicted(self) -> int:
        if not self._recent:
            return 0
        ordered = sorted(self._recent)
        return ordered[min(int(len(ordered) * _QUANTILE), len(ordered) - 1)]

    def _count(self, **changes: int) -> None:
        self._stats = replace(
            self._stats, **{name: getattr(self._stats, name) + change for name, change in changes.items()}
        )


def size_class(n_bytes: int) -> int:
    """Return the bytes of the buffer for a request: 64 KiB, 80 KiB, 96 KiB, 112 KiB, 128 KiB, 160 KiB and so on."""
    if n_bytes <= SMALLEST_BYTES:
        return SMALLEST_BYTES
    step = (1 << ((n_bytes - 1).bit_length() - 1)) // _STEPS_PER_DOUBLING
    return -(-n_bytes // step) * step
