"""What a store holds, for people: counted, checked, exported, sampled. Nothing here is used while embedding."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice

import numpy as np

from hybrid_embeddings.cache import codecs
from hybrid_embeddings.cache.record import VALUE_VERSION, Decoded, RecordFormat, codec_of, dimension_of, tag_of
from hybrid_embeddings.ports import RecordTier
from hybrid_embeddings.types import Vectors

_PAGE = 1000


@dataclass(slots=True)
class SpaceCount:
    """Records of one space."""

    n_records: int = 0
    n_bytes: int = 0
    codecs: dict[str, int] = field(default_factory=lambda: defaultdict(int))


@dataclass(frozen=True, slots=True)
class Entry:
    """One readable record."""

    space: bytes
    key: bytes
    codec: str
    n_tokens: int
    n_lost: int
    vector: Vectors  # float32, (dim,)


def counted(tier: RecordTier) -> dict[bytes, SpaceCount]:
    """Return what a store holds, by space."""
    found: dict[bytes, SpaceCount] = defaultdict(SpaceCount)
    for space, _, record in tier.scan():
        count = found[space]
        count.n_records += 1
        count.n_bytes += len(record)
        count.codecs[_sort(record)] += 1
    return dict(found)


@dataclass(frozen=True, slots=True)
class Reader:
    """Reads records of any dimension."""

    secret: bytes = b""
    calibrations: Mapping[int, codecs.Calibration] = field(default_factory=dict)

    def damaged(self, tier: RecordTier) -> Iterator[tuple[bytes, bytes]]:
        """Yield (space, key) of every record that cannot be read."""
        for page in _pages(tier, None):
            for (space, key, record), entry in zip(page, self._read(page), strict=True):
                if entry is None and record[:1] != bytes([VALUE_VERSION]):
                    yield space, key

    def entries(self, tier: RecordTier, space: bytes | None = None) -> Iterator[Entry]:
        """Yield every record that can be read, of one space or of all."""
        for page in _pages(tier, space):
            yield from filter(None, self._read(page))

    def sample(self, tier: RecordTier, space: bytes, n: int) -> Vectors:
        """Return up to n vectors of a space, those of the best codec only: float32, (n, dim)."""
        found = list(islice(self.entries(tier, space), 50 * n))
        best = max((codecs.CODECS[entry.codec].fidelity for entry in found), default=0)
        vectors = [entry.vector for entry in found if codecs.CODECS[entry.codec].fidelity == best][:n]
        return np.stack(vectors) if vectors else np.zeros((0, 0), dtype=np.float32)

    def _read(self, page: list[tuple[bytes, bytes, bytes]]) -> list[Entry | None]:
        entries: list[Entry | None] = [None] * len(page)
        by_dimension: dict[int, list[int]] = defaultdict(list)
        for row, (_, _, record) in enumerate(page):
            by_dimension[dimension_of(record)].append(row)
        for dimension, rows in by_dimension.items():
            records = RecordFormat(dimension, secret=self.secret, calibrations=self.calibrations)
            stored = [page[row][2] for row in rows]
            decoded = records.decode([page[row][1] for row in rows], [tag_of(record) for record in stored], stored)
            for position in np.flatnonzero(decoded.readable).tolist():
                entries[rows[position]] = _entry(page[rows[position]], decoded, position)
        return entries


def _entry(stored: tuple[bytes, bytes, bytes], decoded: Decoded, position: int) -> Entry:
    space, key, record = stored
    codec = codec_of(record)
    return Entry(
        space,
        key,
        codec.name if codec else "",
        int(decoded.facts[position, 0]),
        int(decoded.facts[position, 1]),
        decoded.vectors[position],
    )


def _sort(record: bytes) -> str:
    if record[:1] == bytes([VALUE_VERSION]):
        return "values"
    codec = codec_of(record)
    return codec.name if codec else "unreadable"


def _pages(tier: RecordTier, space: bytes | None) -> Iterator[list[tuple[bytes, bytes, bytes]]]:
    scan = tier.scan(space)
    while page := list(islice(scan, _PAGE)):
        yield page
