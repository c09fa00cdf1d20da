"""What storing vectors in fewer bits costs, measured on the vectors themselves."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hybrid_embeddings.cache import codecs
from hybrid_embeddings.types import Vectors


@dataclass(slots=True)
class Quantized:
    """Totals of one codec. Errors are 1-cos between a vector before and after."""

    n_vectors: int = 0
    n_bytes_saved: int = 0
    worst_error: float = 0.0
    sum_of_errors: float = 0.0

    def add(self, errors: npt.NDArray[np.float64], n_bytes_saved: int) -> None:
        """Count vectors that were stored."""
        self.n_vectors += len(errors)
        self.n_bytes_saved += n_bytes_saved
        self.worst_error = max(self.worst_error, float(errors.max()))
        self.sum_of_errors += float(errors.sum())

    def as_dict(self) -> dict[str, float]:
        """Return a JSON-ready copy."""
        return {
            "vectors": self.n_vectors,
            "bytes_saved": self.n_bytes_saved,
            "worst_error": self.worst_error,
            "mean_error": self.sum_of_errors / max(self.n_vectors, 1),
        }


@dataclass(frozen=True, slots=True)
class Accuracy:
    """What a codec does to a sample of vectors."""

    codec: str
    n_vectors: int
    worst_error: float  # 1-cos before and after
    mean_error: float
    recall_loss_at_10: float  # share of the ten nearest neighbours that are others than before


def errors(
    codec: codecs.Codec, vectors: Vectors, calibration: codecs.Calibration | None = None
) -> npt.NDArray[np.float64]:
    """Return 1-cos of each vector before and after, shape (n,). Vectors: float32, (n, dim), storable."""
    return _one_minus_cos(vectors, _restored(codec, vectors, calibration))


def measure(codec: codecs.Codec, vectors: Vectors, calibration: codecs.Calibration | None = None) -> Accuracy:
    """Measure a codec on a sample: float32, shape (n, dim), n at least 12 so that neighbours mean something.

    Every vector searches for its ten nearest among the others by cosine, exactly: first all in float32, then all
    as restored.

    Raises:
        ValueError: fewer than 12 vectors.
    """
    vectors = vectors[codecs.storable(vectors)]
    if len(vectors) < 12:
        raise ValueError(f"accuracy needs at least 12 vectors, got {len(vectors)}")
    restored = _restored(codec, vectors, calibration)
    before, after = _nearest(vectors), _nearest(restored)
    kept = sum(len(np.intersect1d(old, new)) for old, new in zip(before, after, strict=True))
    found = _one_minus_cos(vectors, restored)
    return Accuracy(codec.name, len(vectors), float(found.max()), float(found.mean()), 1 - kept / max(before.size, 1))


def _restored(codec: codecs.Codec, vectors: Vectors, calibration: codecs.Calibration | None) -> Vectors:
    stored, parameters = codecs.encode(codec, vectors, calibration)
    known = {calibration.number: calibration} if calibration is not None else {}
    return codecs.decode(codec, stored, parameters, known)[0]


def _one_minus_cos(one: Vectors, other: Vectors) -> npt.NDArray[np.float64]:
    # By the distance of the unit vectors: 1 - dot would lose everything below 1e-8.
    difference = _unit(one) - _unit(other)
    return np.asarray((difference * difference).sum(axis=1) / 2)


def _nearest(vectors: Vectors) -> npt.NDArray[np.intp]:
    unit = _unit(vectors).astype(np.float32)
    similar = unit @ unit.T
    np.fill_diagonal(similar, -np.inf)
    return np.argpartition(-similar, 10, axis=1)[:, :10]


def _unit(vectors: Vectors) -> npt.NDArray[np.float64]:
    wide = vectors.astype(np.float64)
    norms = np.linalg.norm(wide, axis=1, keepdims=True)
    return np.asarray(wide / np.where(norms == 0.0, 1.0, norms))
