"""Words as numbers: the stem and the vector of every word are worked out once, and matching is left to numpy."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from rag_demo.index.analyse import stem
from rag_demo.ports import Vectors

Numbers = npt.NDArray[np.int32]
Kind = TypeVar("Kind", bound=np.generic)
_FIRST_ROWS = 4_096


class Words:
    """Single words, numbered in the order in which they first come. Safe to call from several threads."""

    def __init__(self, encode: Callable[[list[str]], Vectors] | None = None) -> None:
        """Take the model: texts → float32 ``(n, dimension)``; a static one, or words take long. None: no vectors."""
        self._encode = encode
        self._numbers: dict[str, int] = {}
        self._stems: dict[str, int] = {}
        self._stem_of: Numbers = np.zeros(_FIRST_ROWS, dtype=np.int32)
        self._vectors: Vectors | None = None
        self._lock = threading.Lock()

    def __len__(self) -> int:
        """How many words are known."""
        return len(self._numbers)

    @property
    def have_vectors(self) -> bool:
        """Whether there is a model."""
        return self._encode is not None

    def numbers(self, words: Sequence[str]) -> Numbers:
        """The number of each word, int32 ``(len(words),)``."""
        with self._lock:
            missing = [word for word in dict.fromkeys(words) if word not in self._numbers]
            if missing:
                self._add(missing)
            known = self._numbers
            return np.fromiter((known[word] for word in words), dtype=np.int32, count=len(words))

    def stems(self, numbers: Numbers) -> Numbers:
        """A number for the stem of each word: the same for words that have it in common."""
        return self._stem_of[numbers]

    def vectors(self, numbers: Numbers) -> Vectors:
        """Unit vectors, float32 ``(len(numbers), dimension)``; zero for a word that the model does not know.

        Only with `have_vectors`, and for numbers that `numbers` gave.
        """
        vectors = self._vectors
        if vectors is None:
            raise ValueError("These words have no vectors, or there are no words yet.")
        return vectors[numbers]

    def _add(self, words: list[str]) -> None:
        start = len(self._numbers)
        places = slice(start, start + len(words))
        self._stem_of = _grown(self._stem_of, places.stop)
        self._stem_of[places] = [self._stems.setdefault(stem(word), len(self._stems)) for word in words]
        if self._encode is not None:
            vectors = self._encode(words)
            lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
            before = self._vectors
            if before is None:
                before = np.zeros((_FIRST_ROWS, vectors.shape[1]), dtype=np.float32)
            rows = _grown(before, places.stop)
            rows[places] = vectors / np.maximum(lengths, 1e-9)
            self._vectors = rows
        # Last, so that no number is given away before its row is there.
        self._numbers.update((word, start + offset) for offset, word in enumerate(words))


def _grown(rows: npt.NDArray[Kind], needed: int) -> npt.NDArray[Kind]:
    """The same rows with room for ``needed`` of them; a new array if there was none, the old one stays as it was."""
    if needed <= len(rows):
        return rows
    grown = np.zeros((2 * needed, *rows.shape[1:]), dtype=rows.dtype)
    grown[: len(rows)] = rows
    return grown
