"""No lane works before it has embedded the canaries like the float32 reference."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from hybrid_embeddings.errors import LaneError
from hybrid_embeddings.ports import Lane
from hybrid_embeddings.types import Batch, TokenizedText, Vectors

TOLERANCE = {"fast": 1e-4, "exact": 1e-6}
"""Largest 1 - cosine to the reference, on every single canary."""

_MAX_NORM_ERROR = 1e-3


@dataclass(frozen=True, slots=True)
class LaneCheck:
    """What the check measured. ``timings`` are (padded tokens, seconds) of each batch."""

    worst: float
    timings: tuple[tuple[int, float], ...]


def check_lane(
    lane: Lane,
    texts: Sequence[TokenizedText],
    reference: Vectors,
    *,
    tolerance: float,
    clock: Callable[[], float] = time.perf_counter,
) -> LaneCheck:
    """Run the canaries, sorted by length, and compare.

    Args:
        lane: the lane to check.
        texts: the canaries, without a prompt.
        reference: their vectors by sentence-transformers in float32, shape (n, dim).
        tolerance: largest 1 - cosine that is accepted.
        clock: seconds, for the timings.

    Raises:
        LaneError: the lane failed, or differs more than the tolerance; says by how much.
    """
    order = sorted(range(len(texts)), key=lambda index: len(texts[index].ids))
    vectors = np.zeros(reference.shape, dtype=np.float64)
    timings = []
    for rows in _batches(order, texts, lane.max_batch_tokens):
        batch = Batch(tuple(texts[row] for row in rows))
        started = clock()
        found = lane.run(batch)
        timings.append((batch.padded_tokens, clock() - started))
        if found.shape != (len(rows), reference.shape[1]):
            raise LaneError(f"expected vectors of shape {(len(rows), reference.shape[1])}, got {found.shape}")
        vectors[rows] = found
    distances = cosine_distances(vectors, reference)
    norm_error = np.abs(np.linalg.norm(vectors, axis=1) - np.linalg.norm(reference, axis=1))
    scale = np.maximum(np.linalg.norm(reference, axis=1), 1e-12)
    worst = float(distances.max())
    if not np.isfinite(vectors).all() or not worst <= tolerance:
        raise LaneError(
            f"differs from the float32 reference: 1-cos {worst:.1e} on canary {int(np.nanargmax(distances))}, "
            f"allowed {tolerance:.0e}"
        )
    if (norm_error / scale).max() > _MAX_NORM_ERROR:
        raise LaneError(f"the length of vectors differs from the reference by {(norm_error / scale).max():.1e}")
    return LaneCheck(worst, tuple(timings))


def cosine_distances(vectors: np.ndarray, reference: np.ndarray) -> np.ndarray:
    """Return 1 - cosine per row, float64, shape (n,). Two zero rows count as equal."""
    left, right = np.asarray(vectors, dtype=np.float64), np.asarray(reference, dtype=np.float64)
    norms = np.linalg.norm(left, axis=1) * np.linalg.norm(right, axis=1)
    dots = np.einsum("ij,ij->i", left, right)
    both_zero = ~left.any(axis=1) & ~right.any(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        distances = 1.0 - dots / norms
    distances = np.where(norms == 0.0, 1.0, distances)
    return np.asarray(np.where(both_zero, 0.0, distances))


def _batches(order: Sequence[int], texts: Sequence[TokenizedText], budget: int) -> list[list[int]]:
    """Cut sorted rows into about eight batches, so that there is something to learn timings from."""
    size = -(-len(order) // 8)
    batches = []
    for start in range(0, len(order), size):
        rows = list(order[start : start + size])
        width = max(len(texts[row].ids) for row in rows)
        per_batch = max(1, budget // max(width, 1))
        batches += [rows[offset : offset + per_batch] for offset in range(0, len(rows), per_batch)]
    return batches
