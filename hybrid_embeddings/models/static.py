"""Static models: the vector of a text is the mean of its token vectors. No lane, no queue, no torch."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from hybrid_embeddings.types import TokenizedText, Vectors


class StaticModel:
    """Token vectors with the product that averages them. Threads may share it."""

    def __init__(self, weights: Vectors, *, normalizes: bool) -> None:
        """Take token vectors, shape (vocabulary, dim); ``normalizes`` scales results to unit length."""
        # The sparse product adds rows in cache, without a copy of the gathered rows in between.
        from scipy.sparse import csr_matrix

        self._csr_matrix = csr_matrix
        self._weights = weights
        self._normalizes = normalizes

    def encode(self, texts: Sequence[TokenizedText]) -> Vectors:
        """Return float32 vectors, shape (n, dim). A text without a known token gives a zero row."""
        counts = np.array([len(text.ids) for text in texts], dtype=np.int64)
        offsets = np.concatenate([[0], np.cumsum(counts)])
        ids = np.concatenate([text.ids for text in texts]) if offsets[-1] else np.empty(0, dtype=np.int32)
        shares = np.repeat(1.0 / np.maximum(counts, 1), counts).astype(np.float32)
        matrix = self._csr_matrix((shares, ids, offsets), shape=(len(texts), len(self._weights)))
        vectors = np.asarray(matrix @ self._weights, dtype=np.float32)
        return normalized(vectors) if self._normalizes else vectors


def normalized(vectors: Vectors) -> Vectors:
    """Scale rows to unit length; zero rows stay zero."""
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.where(norms == 0.0, 1.0, norms), dtype=np.float32)
