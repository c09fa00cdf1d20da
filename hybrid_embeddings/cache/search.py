"""Texts that the memory tier does not know, on their way through the slower tiers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from hybrid_embeddings.cache.record import Decoded, RecordFormat
from hybrid_embeddings.keys import Space, tags
from hybrid_embeddings.types import Facts, Lookup, Vectors


@dataclass(frozen=True, slots=True)
class Hits:
    """What one tier knew."""

    texts: list[str]
    records: dict[bytes, bytes]
    vectors: Vectors
    facts: Facts
    fidelity: np.ndarray  # uint8, (n,)


class Search:
    """Distinct texts with their keys, and the rows of the caller that wait for them."""

    def __init__(self, space: Space, texts: Sequence[str], lookup: Lookup, records: RecordFormat) -> None:
        self.lookup = lookup
        self._records = records
        self._rows: dict[str, list[int]] = {}
        for row in np.flatnonzero(~lookup.found).tolist():
            self._rows.setdefault(texts[row], []).append(row)
        wanted = list(self._rows)
        keys, marks = space.keys(wanted, records.secret), tags(wanted, records.secret)
        self._left = list(zip(wanted, keys, marks, strict=True))

    @property
    def keys(self) -> list[bytes]:
        """Keys of the texts that no tier knew so far."""
        return [key for _, key, _ in self._left]

    def take(self, found: Sequence[bytes | None], *, fidelity: int) -> tuple[Hits, list[bytes]]:
        """Take what a tier has for :attr:`keys`; return the hits, and the keys of records that cannot be read."""
        decoded = self._records.decode(self.keys, [mark for _, _, mark in self._left], found)
        damaged = [
            key
            for (_, key, _), record, readable in zip(self._left, found, decoded.readable.tolist(), strict=True)
            if record is not None and not readable
        ]
        hits = self._fill(decoded, found, np.flatnonzero(decoded.readable & (decoded.fidelity >= fidelity)))
        known = set(hits.texts)
        self._left = [entry for entry in self._left if entry[0] not in known]
        return hits, damaged

    def _fill(self, decoded: Decoded, found: Sequence[bytes | None], positions: np.ndarray) -> Hits:
        hits = Hits(
            [self._left[position][0] for position in positions.tolist()],
            {self._left[position][1]: found[position] or b"" for position in positions.tolist()},
            decoded.vectors[positions],
            decoded.facts[positions],
            decoded.fidelity[positions],
        )
        rows = [self._rows[text] for text in hits.texts]
        flat = np.array([row for of_text in rows for row in of_text], dtype=np.intp)
        source = np.repeat(np.arange(len(rows)), [len(of_text) for of_text in rows])
        self.lookup.vectors[flat] = hits.vectors[source]
        self.lookup.facts[flat] = hits.facts[source]
        self.lookup.found[flat] = True
        return hits
