"""The first tier: vectors in the memory of this process, found by the text itself.

All vectors lie in one block, so that a call with a thousand known texts is a thousand dictionary look-ups and one
numpy ``take``; nothing is hashed or decoded per text. A dictionary per space maps text → slot of the block.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from itertools import repeat
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from hybrid_embeddings.keys import Space
from hybrid_embeddings.types import Facts, Lookup, Vectors

_T = TypeVar("_T", bound=np.generic)
_FIRST_SLOTS = 1024
# Bytes of a slot besides vector and text: dictionary entry, columns, the reference to the text.
_OVERHEAD_BYTES = 200
_NEVER = np.iinfo(np.int64).max  # the last use of an empty slot, so that no search for the oldest finds it


class MemoryTier:
    """Least-recently-used cache with a time to live. Threads may share it; each call takes the lock once."""

    def __init__(
        self,
        dimension: int,
        *,
        max_entries: int,
        max_bytes: int,
        ttl_s: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.max_entries = max(1, min(max_entries, max_bytes // (dimension * 4 + _OVERHEAD_BYTES)))
        self.max_bytes = max_bytes
        self.ttl_s = ttl_s
        self._clock = clock
        self._lock = threading.Lock()
        self._slots: dict[Space, dict[str, int]] = {}
        self._owners: list[tuple[dict[str, int], str] | None] = []
        self._free: list[int] = []
        self._victims: deque[tuple[int, int]] = deque()  # (slot, tick of its last use), oldest first
        self._tick = 0
        self._text_bytes = 0
        self._vectors: Vectors = np.empty((0, dimension), dtype=np.float32)
        # One row per slot: last use, expiry, facts of the text, fidelity of the record that the vector came from.
        self._used: npt.NDArray[np.int64] = np.empty(0, dtype=np.int64)
        self._expires: npt.NDArray[np.float64] = np.empty(0, dtype=np.float64)
        self._facts: Facts = np.empty((0, 2), dtype=np.int32)
        self._fidelity: npt.NDArray[np.uint8] = np.empty(0, dtype=np.uint8)

    def __len__(self) -> int:
        with self._lock:
            return len(self._owners) - len(self._free)

    @property
    def n_bytes(self) -> int:
        """Bytes of vectors, texts and bookkeeping."""
        with self._lock:
            return self._bytes()

    def get_many(self, space: Space, texts: Sequence[str], *, fidelity: int = 0) -> Lookup | None:
        """Return what is known of texts; None if nothing is. Vectors of lower fidelity count as not found."""
        with self._lock:
            rows = self._slots.get(space)
            if not rows:
                return None
            slots = np.fromiter(map(rows.get, texts, repeat(-1)), dtype=np.intp, count=len(texts))
            found = slots >= 0
            if not found.any():
                return None
            # A slot of -1 reads the last row, which `found` masks.
            found &= (self._expires[slots] > self._clock()) & (self._fidelity[slots] >= fidelity)
            hits = slots[found]
            self._used[hits] = np.arange(self._tick, self._tick + len(hits))
            self._tick += len(hits)
            return Lookup(self._vectors.take(slots, axis=0), found, self._facts.take(slots, axis=0))

    def put_many(self, space: Space, texts: Sequence[str], vectors: Vectors, facts: Facts, *, fidelity: int) -> None:
        """Keep vectors, float32 (n, dim); ``facts`` are their tokens and lost tokens, int32 (n, 2)."""
        texts, vectors, facts = texts[-self.max_entries :], vectors[-self.max_entries :], facts[-self.max_entries :]
        with self._lock:
            rows = self._slots.setdefault(space, {})
            slots = np.fromiter((self._slot(rows, text) for text in texts), dtype=np.intp, count=len(texts))
            self._vectors[slots] = vectors
            self._facts[slots] = facts
            self._fidelity[slots] = fidelity
            self._expires[slots] = self._clock() + self.ttl_s
            while self._bytes() > self.max_bytes and self._evict():
                pass

    def delete_many(self, space: Space, texts: Sequence[str]) -> None:
        """Forget texts."""
        with self._lock:
            rows = self._slots.get(space, {})
            for text in texts:
                if (slot := rows.get(text)) is not None:
                    self._release(slot)

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            for slot, owner in enumerate(self._owners):
                if owner is not None:
                    self._release(slot)
            self._slots.clear()

    def _bytes(self) -> int:
        n_entries = len(self._owners) - len(self._free)
        per_entry: int = self._vectors.shape[1] * 4 + _OVERHEAD_BYTES
        return n_entries * per_entry + self._text_bytes

    def _slot(self, rows: dict[str, int], text: str) -> int:
        """Return the slot of a text, marked as used now; an old text makes room if needed."""
        slot = rows.get(text)
        if slot is None:
            if not self._free:
                self._grow()
            if not self._free:
                self._evict()
            slot = self._free.pop()
            rows[text] = slot
            self._owners[slot] = rows, text
            self._text_bytes += _size(text)
        self._used[slot] = self._tick
        self._tick += 1
        return slot

    def _grow(self) -> None:
        before = len(self._owners)
        after = min(self.max_entries, max(_FIRST_SLOTS, 2 * before))
        if after == before:
            return
        self._vectors = _grown(self._vectors, after)
        self._used, self._expires = _grown(self._used, after), _grown(self._expires, after)
        self._facts, self._fidelity = _grown(self._facts, after), _grown(self._fidelity, after)
        self._used[before:] = _NEVER
        self._owners += [None] * (after - before)
        self._free += range(after - 1, before - 1, -1)

    def _evict(self) -> bool:
        """Free the slot that was not used for longest; False if there is none."""
        while True:
            if not self._victims and not self._choose_victims():
                return False
            slot, tick = self._victims.popleft()
            if self._owners[slot] is not None and self._used[slot] == tick:
                self._release(slot)
                return True

    def _choose_victims(self) -> bool:
        """List the oldest sixteenth, so that the search is paid once per so many evictions.

        Those used since are skipped later, and all others are younger: the order stays least recently used.
        """
        n_entries = len(self._owners) - len(self._free)
        if not n_entries:
            return False
        n = max(1, n_entries // 16)
        oldest = np.argpartition(self._used, n - 1)[:n]
        oldest = oldest[np.argsort(self._used[oldest])]
        self._victims.extend(zip(oldest.tolist(), self._used[oldest].tolist(), strict=True))
        return True

    def _release(self, slot: int) -> None:
        owner = self._owners[slot]
        if owner is None:
            return
        rows, text = owner
        del rows[text]
        self._owners[slot] = None
        self._used[slot] = _NEVER
        self._text_bytes -= _size(text)
        self._free.append(slot)


def _grown(block: npt.NDArray[_T], rows: int) -> npt.NDArray[_T]:
    larger = np.empty((rows, *block.shape[1:]), dtype=block.dtype)
    larger[: len(block)] = block
    return larger


def _size(text: str) -> int:
    return len(text) if text.isascii() else 2 * len(text)
