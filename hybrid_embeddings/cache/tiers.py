"""All tiers as one cache: fastest first, what a slower one knows is promoted, a failure costs time only."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from hybrid_embeddings.cache import accuracy, codecs
from hybrid_embeddings.cache.federation import Federation
from hybrid_embeddings.cache.guarded import GuardedTier
from hybrid_embeddings.cache.memory import MemoryTier
from hybrid_embeddings.cache.near import NearTier
from hybrid_embeddings.cache.record import RecordFormat
from hybrid_embeddings.cache.search import Hits, Search
from hybrid_embeddings.cache.write_behind import WriteBehind
from hybrid_embeddings.events import CacheLookedUp, CacheWritten, Events, RecordsDamaged, VectorsQuantized
from hybrid_embeddings.keys import Space, tags
from hybrid_embeddings.types import Facts, Importance, Lookup, Vectors

_CLOSE_S = 5.0


@dataclass(frozen=True, slots=True)
class Storage:
    """How vectors are stored in the slower tiers."""

    records: RecordFormat
    by_importance: Mapping[Importance, codecs.Codec]
    default: Importance = "normal"

    def codec(self, importance: Importance | None) -> codecs.Codec:
        """Return the codec for a call."""
        return self.by_importance[importance or self.default]


@dataclass(slots=True)
class Counters:
    """Rows looked up since the start."""

    n_hits: int = 0
    n_misses: int = 0
    n_memory_hits: int = 0
    n_memory_misses: int = 0
    n_dropped: int = 0
    quantized: dict[str, accuracy.Quantized] = field(default_factory=dict)


class TieredCache:
    """See :class:`hybrid_embeddings.ports.VectorCache`. Threads may share it."""

    def __init__(
        self,
        memory: MemoryTier,
        tiers: Sequence[GuardedTier],
        storage: Storage,
        *,
        max_waiting: int,
        near: NearTier | None = None,
        federation: Federation | None = None,
        events: Events | None = None,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        """Put tiers together, fastest first; ``max_waiting`` entries may wait to be written to the slower ones."""
        self._memory = memory
        self._tiers = list(tiers)
        self._storage = storage
        self._near = near
        self._federation = federation
        self._events = events if events is not None else Events()
        self._clock = clock
        self._counters = Counters()
        self._lock = threading.Lock()  # of the counters
        self._registered: set[tuple[str, Space]] = set()  # where it is described
        self._writer = WriteBehind(max_entries=max_waiting)

    @property
    def may_wait(self) -> bool:
        """See :class:`hybrid_embeddings.ports.VectorCache`."""
        return bool(self._tiers)

    def get_many(self, space: Space, texts: Sequence[str], importance: Importance | None = None) -> Lookup | None:
        """See :class:`hybrid_embeddings.ports.VectorCache`."""
        started = self._clock()
        fidelity = self._storage.codec(importance).fidelity
        lookup = self._memory.get_many(space, texts, fidelity=fidelity)
        n_found = 0 if lookup is None else int(lookup.found.sum())
        self._looked_up("memory", n_found, len(texts) - n_found, started)
        if n_found < len(texts) and self._tiers:
            lookup = self._ask_slower(space, texts, lookup, fidelity)
            n_found = int(lookup.found.sum())
        if n_found < len(texts) and self._may_be_near(space, importance):
            lookup = self._ask_near(space, texts, lookup)
            n_found = int(lookup.found.sum())
        with self._lock:
            self._counters.n_hits += n_found
            self._counters.n_misses += len(texts) - n_found
        return lookup if n_found else None

    def put_many(
        self, space: Space, texts: Sequence[str], vectors: Vectors, facts: Facts, importance: Importance | None = None
    ) -> None:
        """See :class:`hybrid_embeddings.ports.VectorCache`."""
        self._memory.put_many(space, texts, vectors, facts, fidelity=codecs.FLOAT32.fidelity)
        if self._tiers or self._near is not None:
            codec = self._storage.codec(importance)
            # Copies: what was handed out belongs to the caller, who may change it.
            vectors, facts, texts = vectors.copy(), facts.copy(), list(texts)
            self._write_later(len(texts), lambda: self._store(space, texts, vectors, facts, codec))

    def stats(self) -> dict[str, Any]:
        """See :class:`hybrid_embeddings.ports.VectorCache`."""
        with self._lock:
            counters = self._counters
            n_rows = counters.n_hits + counters.n_misses
            tiers: dict[str, Any] = {
                "memory": {"hits": counters.n_memory_hits, "misses": counters.n_memory_misses},
            }
            stats = {
                "enabled": True,
                "size": len(self._memory),
                "max_size": self._memory.max_entries,
                "ttl_seconds": self._memory.ttl_s,
                "bytes": self._memory.n_bytes,
                "max_bytes": self._memory.max_bytes,
                "hits": counters.n_hits,
                "misses": counters.n_misses,
                "hit_rate": counters.n_hits / n_rows if n_rows else 0.0,
                "waiting_writes": self._writer.n_waiting,
                "dropped_writes": counters.n_dropped,
                "quantization": {name: one.as_dict() for name, one in counters.quantized.items()},
                "tiers": tiers,
            }
        tiers.update({tier.name: tier.stats() for tier in self._tiers})
        if self._near is not None:
            tiers["near"] = self._near.stats()
        if self._federation is not None:
            tiers["near"]["federation"] = self._federation.stats()
        return stats

    def health(self) -> dict[str, dict[str, str]]:
        """See :class:`hybrid_embeddings.ports.VectorCache`."""
        return {f"cache:{tier.name}": tier.health() for tier in self._tiers}

    def flush(self, timeout_s: float | None = None) -> bool:
        """See :class:`hybrid_embeddings.ports.VectorCache`."""
        return self._writer.flush(timeout_s)

    def close(self) -> None:
        """See :class:`hybrid_embeddings.ports.VectorCache`."""
        self._writer.close(_CLOSE_S)
        if self._federation is not None:
            self._federation.close()
        for tier in self._tiers:
            tier.close()

    # ------------------------------------------------------------------ reading

    def _ask_slower(self, space: Space, texts: Sequence[str], lookup: Lookup | None, fidelity: int) -> Lookup:
        """Fill the rows that are not found from the slower tiers, one round trip each."""
        if lookup is None:
            lookup = _empty(len(texts), self._storage.records.dimension)
        search = Search(space, texts, lookup, self._storage.records)
        space_id = space.digest(self._storage.records.secret)
        for position, tier in enumerate(self._tiers):
            if not search.keys:
                break
            started = self._clock()
            n_asked = len(search.keys)
            hits, damaged = search.take(tier.get_many(space_id, search.keys), fidelity=fidelity)
            tier.note_lookup(len(hits.texts), n_asked - len(hits.texts))
            self._looked_up(tier.name, len(hits.texts), n_asked - len(hits.texts), started)
            if damaged:
                self._discard(tier, space_id, damaged)
            if hits.texts:
                self._promote(space, hits, self._tiers[:position])
        return lookup

    def _may_be_near(self, space: Space, importance: Importance | None) -> bool:
        """Who asks for exact numbers gets no others: near-duplicates are for ``fast`` and not for critical calls."""
        important = (importance or self._storage.default) == "critical"
        return self._near is not None and space.numeric_class == "fast" and not important

    def _ask_near(self, space: Space, texts: Sequence[str], lookup: Lookup | None) -> Lookup:
        """Fill rows from known texts that differ in nothing that counts. They are not promoted: they stay guesses."""
        if lookup is None:
            lookup = _empty(len(texts), self._storage.records.dimension)
        if self._near is None:
            return lookup
        started = self._clock()
        rows = np.flatnonzero(~lookup.found).tolist()
        distinct = list(dict.fromkeys(texts[row] for row in rows))
        found = dict(zip(distinct, self._near.find(space, distinct), strict=True))
        for row in rows:
            entry = found[texts[row]]
            if entry is not None:
                lookup.vectors[row], lookup.facts[row], lookup.found[row] = entry.vector, (entry.n_tokens, 0), True
        n_hits = sum(entry is not None for entry in found.values())
        self._looked_up("near", n_hits, len(found) - n_hits, started)
        return lookup

    def _promote(self, space: Space, hits: Hits, faster: Sequence[GuardedTier]) -> None:
        # A vector is worth what it was stored with, wherever it is copied to.
        for fidelity in np.unique(hits.fidelity).tolist():
            rows = np.flatnonzero(hits.fidelity == fidelity)
            texts = [hits.texts[row] for row in rows.tolist()]
            self._memory.put_many(space, texts, hits.vectors[rows], hits.facts[rows], fidelity=fidelity)
        if faster:
            self._write_later(len(hits.records), lambda: self._put(faster, space, hits.records))

    def _discard(self, tier: GuardedTier, space_id: bytes, damaged: list[bytes]) -> None:
        tier.note_damaged(len(damaged))
        self._events.emit(RecordsDamaged(tier.name, len(damaged)))
        self._write_later(len(damaged), lambda: tier.delete_many(space_id, damaged))

    # ------------------------------------------------------------------ writing

    def _write_later(self, n_entries: int, write: Callable[[], None]) -> None:
        if not self._writer.submit(n_entries, write):
            with self._lock:
                self._counters.n_dropped += n_entries
            self._events.emit(CacheWritten("write-behind", 0, 0, n_entries))

    def _store(self, space: Space, texts: list[str], vectors: Vectors, facts: Facts, codec: codecs.Codec) -> None:
        """Encode and write, and learn for near-duplicates; runs on the writer's thread."""
        if self._near is not None and space.numeric_class == "fast":
            learned = self._near.learn(space, texts, vectors, facts)
            if self._federation is not None:
                self._federation.publish(space, learned)
        if not self._tiers:
            return
        records = self._storage.records
        keys = space.keys(texts, records.secret)
        entries = records.encode(codec, keys, tags(texts, records.secret), vectors, facts)
        self._measure(codec, vectors)
        self._put(self._tiers, space, entries)

    def _put(self, tiers: Sequence[GuardedTier], space: Space, entries: Mapping[bytes, bytes]) -> None:
        space_id = space.digest(self._storage.records.secret)
        n_bytes = sum(map(len, entries.values()))
        for tier in tiers:
            if not tier.put_many(space_id, entries):
                continue
            self._events.emit(CacheWritten(tier.name, len(entries), n_bytes, 0))
            if (tier.name, space) not in self._registered and tier.register(space_id, space.described()):
                self._registered.add((tier.name, space))

    def _measure(self, codec: codecs.Codec, vectors: Vectors) -> None:
        if codec is codecs.FLOAT32:
            return
        vectors = vectors[codecs.storable(vectors)]
        errors = accuracy.errors(codec, vectors, self._storage.records.calibration)
        if not len(errors):
            return
        n_saved = vectors.size * (4 - codec.dtype.itemsize)
        with self._lock:
            self._counters.quantized.setdefault(codec.name, accuracy.Quantized()).add(errors, n_saved)
        self._events.emit(VectorsQuantized(codec.name, len(vectors), float(errors.max()), n_saved))

    def _looked_up(self, tier: str, n_hits: int, n_misses: int, started: float) -> None:
        if tier == "memory":
            with self._lock:
                self._counters.n_memory_hits += n_hits
                self._counters.n_memory_misses += n_misses
        if self._events:
            self._events.emit(CacheLookedUp(tier, n_hits, n_misses, self._clock() - started))


def _empty(n: int, dimension: int) -> Lookup:
    return Lookup(np.empty((n, dimension), dtype=np.float32), np.zeros(n, dtype=bool), np.zeros((n, 2), dtype=np.int32))
