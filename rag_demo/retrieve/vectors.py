"""Vectors of single words, each computed once: what «soft» matching of a question's words needs."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

import numpy as np

from rag_demo.ports import Vectors

_FIRST_ROWS = 4_096
_MOST_ROWS = 60_000  # 60 MB with 256 dimensions; a configuration of 38,000 methods has 12,000 words


class WordVectors:
    """Unit vectors of words by one model. Safe to call from several threads."""

    def __init__(self, encode: Callable[[list[str]], Vectors]) -> None:
        """Take the model: texts → float32 ``(n, dimension)``. It should be a static one, or words take long."""
        self._encode = encode
        self._rows: dict[str, int] = {}
        self._matrix: Vectors | None = None
        self._lock = threading.Lock()

    def rows(self, words: Sequence[str]) -> Vectors:
        """Unit vectors, float32 ``(len(words), dimension)``; zero for a word that the model does not know."""
        with self._lock:
            missing = [word for word in dict.fromkeys(words) if word not in self._rows]
            if missing or self._matrix is None:
                self._add(missing or [""])
            found: Vectors = self._matrix[[self._rows[word] for word in words]]  # type: ignore[index]
            return found

    def _add(self, words: list[str]) -> None:
        vectors = self._encode(words)
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        vectors = (vectors / np.maximum(lengths, 1e-9)).astype(np.float32)
        if self._matrix is None or len(self._rows) + len(words) > _MOST_ROWS:
            self._rows = {}
            self._matrix = np.zeros((max(_FIRST_ROWS, len(words)), vectors.shape[1]), dtype=np.float32)
        start, needed = len(self._rows), len(self._rows) + len(words)
        if needed > len(self._matrix):
            grown = np.zeros((2 * needed, vectors.shape[1]), dtype=np.float32)
            grown[: len(self._matrix)] = self._matrix
            self._matrix = grown
        self._matrix[start:needed] = vectors
        self._rows.update((word, start + offset) for offset, word in enumerate(words))
