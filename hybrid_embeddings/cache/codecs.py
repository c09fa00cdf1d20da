"""How a vector becomes bytes. Every codec carries its own scale, so that no value is decoded with another's."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from hybrid_embeddings.types import Vectors

# A scale below the normal numbers of float32 would lose precision. No model gives such vectors.
_SMALLEST_PEAK = 1e-30
FEWEST_FOR_CALIBRATION = 100


@dataclass(frozen=True, slots=True)
class Calibration:
    """Scales of the calibrated int8 codec: float32, shape (dim,). ``number`` (32 bits) identifies them in records."""

    number: int
    scales: Vectors


@dataclass(frozen=True, slots=True)
class Codec:
    """One way to store vectors. ``fidelity`` orders codecs: a record may serve who asks for as much or less."""

    name: str
    number: int
    dtype: np.dtype[Any]
    fidelity: int

    @property
    def levels(self) -> int:
        """The largest stored whole number; 0 for floating point."""
        return int(np.iinfo(self.dtype).max) if self.dtype.kind == "i" else 0


FLOAT32 = Codec("float32", 1, np.dtype("<f4"), 4)
FLOAT16 = Codec("float16", 2, np.dtype("<f2"), 3)
INT16 = Codec("int16", 3, np.dtype("<i2"), 3)
INT8 = Codec("int8", 4, np.dtype("i1"), 1)
INT8_CALIBRATED = Codec("int8-calibrated", 5, np.dtype("i1"), 1)

CODECS = {codec.name: codec for codec in (FLOAT32, FLOAT16, INT16, INT8, INT8_CALIBRATED)}
BY_NUMBER = {codec.number: codec for codec in CODECS.values()}


def storable(vectors: Vectors) -> npt.NDArray[np.bool_]:
    """Tell for each row whether it can be stored: finite, and either zero or of usual size. Shape (n,)."""
    if not vectors.size:
        return np.ones(len(vectors), dtype=bool)
    peaks = np.abs(vectors).max(axis=1)
    return np.asarray(np.isfinite(peaks) & ((peaks == 0.0) | (peaks >= _SMALLEST_PEAK)))


def encode(
    codec: Codec, vectors: Vectors, calibration: Calibration | None = None
) -> tuple[npt.NDArray[Any], npt.NDArray[np.uint32]]:
    """Turn vectors into stored numbers. Each row is treated alone: one text quantises like a thousand.

    Args:
        codec: how.
        vectors: float32, shape (n, dim), rows :func:`storable`.
        calibration: needed by ``int8-calibrated``.

    Returns:
        The payload, shape (n, dim), dtype of the codec, and a parameter per row as 32 bits, shape (n,): the
        float32 scale, or the number of the calibration.
    """
    if codec is INT8_CALIBRATED:
        if calibration is None:
            raise ValueError("int8-calibrated needs a calibration")
        stored = _rounded(vectors / calibration.scales, codec)
        return stored, np.full(len(vectors), calibration.number, dtype=np.uint32)
    scales = _scales(codec, vectors)
    divided = vectors if codec is FLOAT32 else vectors / scales[:, None]
    stored = _rounded(divided, codec) if codec.levels else divided.astype(codec.dtype)
    return stored, scales.view(np.uint32)


def decode(
    codec: Codec,
    stored: npt.NDArray[Any],
    parameters: npt.NDArray[np.uint32],
    calibrations: Mapping[int, Calibration],
) -> tuple[Vectors, npt.NDArray[np.bool_]]:
    """Return float32 vectors, shape (n, dim), and for each row whether it could be decoded, shape (n,)."""
    if codec is FLOAT32:
        vectors = stored.astype(np.float32)
    elif codec is INT8_CALIBRATED:
        vectors = np.zeros(stored.shape, dtype=np.float32)
        known = np.zeros(len(stored), dtype=bool)
        for number in np.unique(parameters).tolist():
            calibration = calibrations.get(number)
            if calibration is not None and len(calibration.scales) == stored.shape[1]:
                rows = parameters == number
                vectors[rows] = stored[rows] * calibration.scales
                known |= rows
        return vectors, known
    else:
        vectors = stored.astype(np.float32) * parameters.view(np.float32)[:, None]
    return vectors, np.asarray(np.isfinite(vectors).all(axis=1))


def calibrate(vectors: Vectors, percentile: float = 99.9) -> Calibration:
    """Measure the scales of each dimension on a sample.

    Values beyond the percentile are clipped, which costs them precision and gives it to all others (the usual
    percentile calibration of integer inference, Wu et al. 2020, arXiv 2004.09602, section 4).

    Args:
        vectors: float32, shape (n, dim), n at least :data:`FEWEST_FOR_CALIBRATION`.
        percentile: of the absolute values per dimension.

    Raises:
        ValueError: too few vectors, or values that are not finite.
    """
    if len(vectors) < FEWEST_FOR_CALIBRATION or not np.isfinite(vectors).all():
        raise ValueError(f"calibration needs at least {FEWEST_FOR_CALIBRATION} finite vectors, got {len(vectors)}")
    peaks = np.percentile(np.abs(vectors), percentile, axis=0)
    # A dimension that was always zero still needs a scale to store what comes later.
    floor = max(float(peaks.max()) * 1e-3, _SMALLEST_PEAK)
    return calibration_of((np.maximum(peaks, floor) / INT8.levels).astype(np.float32))


def calibration_of(scales: Vectors) -> Calibration:
    """Return the calibration with these scales; its number follows from them."""
    digest = hashlib.blake2b(np.ascontiguousarray(scales, dtype="<f4").tobytes(), digest_size=4).digest()
    return Calibration(int.from_bytes(digest, "little"), scales)


def _scales(codec: Codec, vectors: Vectors) -> Vectors:
    """Return the float32 scale of each row, shape (n,); 1 where nothing has to be scaled."""
    ones: Vectors = np.ones(len(vectors), dtype=np.float32)
    if codec is FLOAT32 or not vectors.size:
        return ones
    peaks = np.abs(vectors).max(axis=1)
    if codec.levels:
        return np.where(peaks == 0.0, ones, peaks / np.float32(codec.levels)).astype(np.float32)
    # A power of two is exact, and keeps float16 away from overflow and subnormal numbers.
    _, exponents = np.frexp(peaks)
    return np.where(peaks == 0.0, ones, np.ldexp(ones, exponents)).astype(np.float32)


def _rounded(values: Vectors, codec: Codec) -> npt.NDArray[Any]:
    # Clipped before the cast: a cast alone would wrap around.
    return np.clip(np.rint(values), -codec.levels, codec.levels).astype(codec.dtype)
