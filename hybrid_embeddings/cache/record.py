"""The bytes of one stored vector.

Little-endian, without gaps:

    version  codec  dimension  tag  n_tokens  n_lost  parameter  payload    checksum
    1        1      2          8    4         4       4          dim × 1…4  8          bytes

The tag belongs to the text, the checksum covers everything before it and the key. Whatever does not fit is
unreadable: a miss that is counted and deleted, never an exception. Nothing is ever unpickled.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from hybrid_embeddings.cache import codecs
from hybrid_embeddings.types import Facts, Vectors

VERSION = 1
VALUE_VERSION = 0x80
"""First byte of records of :mod:`values`, which are no vectors."""
_CHECKSUM_BYTES = 8
_HEADER = np.dtype(
    [
        ("version", "u1"),
        ("codec", "u1"),
        ("dimension", "<u2"),
        ("tag", "V8"),
        ("n_tokens", "<u4"),
        ("n_lost", "<u4"),
        ("parameter", "<u4"),
    ]
)


@dataclass(frozen=True, slots=True)
class Decoded:
    """Vectors of records, row by row. Rows that are not ``readable`` hold nothing of value."""

    vectors: Vectors  # float32, (n, dim)
    facts: Facts
    fidelity: npt.NDArray[np.uint8]
    readable: npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class RecordFormat:
    """Writes and reads records of one dimension."""

    dimension: int
    secret: bytes = b""
    calibration: codecs.Calibration | None = None
    """Written with from now on."""
    calibrations: Mapping[int, codecs.Calibration] = field(default_factory=dict)
    """All that records may refer to, by number."""

    def encode(
        self,
        codec: codecs.Codec,
        keys: Sequence[bytes],
        tags: Sequence[bytes],
        vectors: Vectors,
        facts: Facts,
    ) -> dict[bytes, bytes]:
        """Return key → record. Rows that cannot be stored (:func:`codecs.storable`) are left out."""
        stored, parameters = codecs.encode(codec, vectors, self.calibration)
        rows = np.zeros(len(keys), dtype=self._layout(codec))
        head = rows["head"]
        head["version"], head["codec"], head["dimension"] = VERSION, codec.number, self.dimension
        head["tag"] = np.frombuffer(b"".join(tags), dtype="V8")
        head["n_tokens"], head["n_lost"], head["parameter"] = facts[:, 0], facts[:, 1], parameters
        rows["payload"] = stored
        flat, size = rows.tobytes(), rows.dtype.itemsize
        bodies = [flat[start : start + size] for start in range(0, len(flat), size)]
        good = codecs.storable(vectors).tolist()
        return {
            key: body + self._checksum(key, body)
            for key, body, is_good in zip(keys, bodies, good, strict=True)
            if is_good
        }

    def decode(self, keys: Sequence[bytes], tags: Sequence[bytes], records: Sequence[bytes | None]) -> Decoded:
        """Read records; None stands for one that is not there."""
        n = len(records)
        decoded = Decoded(
            np.zeros((n, self.dimension), dtype=np.float32),
            np.zeros((n, 2), dtype=np.int32),
            np.zeros(n, dtype=np.uint8),
            np.zeros(n, dtype=bool),
        )
        for codec, rows in self._by_codec(keys, tags, records).items():
            self._decode_rows(codec, rows, records, decoded)
        return decoded

    def record_bytes(self, codec: codecs.Codec) -> int:
        """Return the size of one record."""
        return self._layout(codec).itemsize + _CHECKSUM_BYTES

    def _layout(self, codec: codecs.Codec) -> np.dtype[Any]:
        return np.dtype([("head", _HEADER), ("payload", codec.dtype, (self.dimension,))])

    def _by_codec(
        self, keys: Sequence[bytes], tags: Sequence[bytes], records: Sequence[bytes | None]
    ) -> dict[codecs.Codec, list[int]]:
        """Return the rows with sound records: version, size, tag and checksum are right."""
        found: dict[codecs.Codec, list[int]] = {}
        sizes = {codec.number: (codec, self.record_bytes(codec)) for codec in codecs.CODECS.values()}
        for row, (key, tag, record) in enumerate(zip(keys, tags, records, strict=True)):
            if not record or record[0] != VERSION or len(record) < _HEADER.itemsize:
                continue
            codec, size = sizes.get(record[1], (codecs.FLOAT32, -1))
            if (
                len(record) == size
                and record[4:12] == tag
                and record[-_CHECKSUM_BYTES:] == self._checksum(key, record[:-_CHECKSUM_BYTES])
            ):
                found.setdefault(codec, []).append(row)
        return found

    def _decode_rows(
        self, codec: codecs.Codec, rows: list[int], records: Sequence[bytes | None], decoded: Decoded
    ) -> None:
        bodies = b"".join((records[row] or b"")[:-_CHECKSUM_BYTES] for row in rows)
        parsed = np.frombuffer(bodies, dtype=self._layout(codec))
        head = parsed["head"]
        vectors, known = codecs.decode(
            codec, parsed["payload"], np.ascontiguousarray(head["parameter"], dtype=np.uint32), self.calibrations
        )
        known &= head["dimension"] == self.dimension
        decoded.vectors[rows] = vectors
        decoded.facts[rows] = np.stack([head["n_tokens"], head["n_lost"]], axis=1)
        decoded.fidelity[rows] = codec.fidelity
        decoded.readable[rows] = known

    def _checksum(self, key: bytes, body: bytes) -> bytes:
        # With a secret this is a signature: nobody else can put a vector into a shared store.
        digest = hashlib.blake2b(key, digest_size=_CHECKSUM_BYTES, key=self.secret, person=b"hybrid-emb-rec")
        digest.update(body)
        return digest.digest()


def codec_of(record: bytes) -> codecs.Codec | None:
    """Return the codec that a record names, unchecked."""
    return codecs.BY_NUMBER.get(record[1]) if len(record) > 1 else None


def dimension_of(record: bytes) -> int:
    """Return the dimension that a record names, unchecked; 0 if it is too short."""
    return int.from_bytes(record[2:4], "little")


def tag_of(record: bytes) -> bytes:
    """Return the tag of the text that a record names, unchecked."""
    return record[4:12]
