"""Nearest sketches: exactly below a size, by HNSW above it. The only file that knows usearch."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from hybrid_embeddings.cache.sketch import SKETCH_DIM, Sketch

_Slots = npt.NDArray[np.int64]
_Matrix = npt.NDArray[np.float32]


class SketchIndex:
    """Sketches by slot. Not thread-safe: its owner holds a lock.

    HNSW is Malkov & Yashunin 2016 (arXiv 1603.09320), as usearch has it; without usearch the search stays exact.
    """

    def __init__(self, max_entries: int, *, exact_below: int) -> None:
        self._sketches: _Matrix = np.zeros((max_entries, SKETCH_DIM), dtype=np.float32)
        self._taken = np.zeros(max_entries, dtype=bool)
        self._end = 0  # slots from here on were never taken
        self._exact_below = exact_below
        self._graph: Any = None
        self._may_build = True

    @property
    def kind(self) -> str:
        """``exact`` or ``hnsw``."""
        return "exact" if self._graph is None else "hnsw"

    def put(self, slot: int, sketch: Sketch) -> None:
        """Keep a sketch in a slot, in place of the one that was there."""
        if self._graph is not None:
            if self._taken[slot]:
                self._graph.remove(slot)
            self._graph.add(slot, sketch)
        self._sketches[slot] = sketch
        self._taken[slot] = True
        self._end = max(self._end, slot + 1)
        if self._graph is None and self._may_build and self._end > self._exact_below:
            self._build()

    def search(self, sketches: _Matrix, k: int) -> tuple[_Slots, _Matrix]:
        """Return the slots of the k nearest of each sketch, (n, k), and their cosine, (n, k); or fewer."""
        if self._graph is not None:
            found = self._graph.search(sketches, k, threads=1)
            slots = np.asarray(found.keys, dtype=np.int64).reshape(len(sketches), -1)
            # The graph holds whole numbers; what is returned is exact.
            return slots, np.einsum("nd,nkd->nk", sketches, self._sketches[slots])
        k = min(k, self._end)
        if k == 0:
            return np.zeros((len(sketches), 0), dtype=np.int64), np.zeros((len(sketches), 0), dtype=np.float32)
        similar = sketches @ self._sketches[: self._end].T
        best = np.argpartition(-similar, k - 1, axis=1)[:, :k]
        return best.astype(np.int64), np.take_along_axis(similar, best, axis=1)

    def _build(self) -> None:
        self._may_build = False
        try:
            from usearch.index import Index
        except ImportError:
            return
        graph = Index(ndim=SKETCH_DIM, metric="ip", dtype="i8", connectivity=16, expansion_add=64, expansion_search=32)
        slots = np.flatnonzero(self._taken)
        graph.add(slots, self._sketches[slots], threads=1)
        self._graph = graph
