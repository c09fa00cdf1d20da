"""Words as numbers: what is needed of every word is looked up or worked out once, and matching is left to numpy."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from rag_demo.index.analyse import stem
from rag_demo.ports import Vectors

Numbers = npt.NDArray[np.int32]
Encode = Callable[[list[str]], Vectors]
PlacesOf = Callable[[str], Sequence[int]]
Kind = TypeVar("Kind", bound=np.generic)
_FIRST_ROWS = 4_096


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """Different words with their stems.

    ``vectors``, float32 ``(n, dimension)``, are those of the first ``n`` words, of length 1 or 0; None: of none.
    """

    words: Sequence[str] = ()
    stems: Sequence[str] = ()
    vectors: Vectors | None = field(default=None, repr=False)


class Words:
    """Single words, numbered in the order in which they first come. Safe to call from several threads."""

    def __init__(
        self, encode: Encode | None = None, known: Vocabulary | None = None, places_of: PlacesOf | None = None
    ) -> None:
        """Take the model and what is known already.

        Args:
            encode: texts → float32 ``(n, dimension)``; a static model, or words take long. None: no vectors.
            known: words that get the first numbers. Its vectors, of the same model, are not copied.
            places_of: stem → its places in another table, always as many.
        """
        known = known or Vocabulary()
        self._encode = encode
        self._places_of = places_of
        self._places: Numbers = np.zeros((0, 0), dtype=np.int32)
        self._numbers: dict[str, int] = {}
        self._stems: dict[str, int] = {}
        self._stem_of: Numbers = np.zeros(_FIRST_ROWS, dtype=np.int32)
        self._stored = None if encode is None else known.vectors
        self._first_late = 0 if self._stored is None else len(self._stored)
        self._late: Vectors | None = None  # of the words from number `_first_late` on
        self._lock = threading.Lock()
        self._add(known.words, known.stems)

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
            self._add(missing, [stem(word) for word in missing])
            return self._numbers_of(words)

    def adopt(self, known: Vocabulary) -> Numbers:
        """The number of each word of a vocabulary, whose stems are not worked out again."""
        with self._lock:
            pairs = zip(known.words, known.stems, strict=True)
            missing = {word: stem for word, stem in pairs if word not in self._numbers}
            self._add(list(missing), list(missing.values()))
            return self._numbers_of(known.words)

    def vocabulary(self) -> Vocabulary:
        """The words so far in the order of their numbers, without vectors."""
        with self._lock:
            stems = list(self._stems)
            return Vocabulary(list(self._numbers), [stems[number] for number in self._stem_of[: len(self._numbers)]])

    def stems(self, numbers: Numbers) -> Numbers:
        """A number for the stem of each word: the same for words that have it in common."""
        return self._stem_of[numbers]

    def places(self, numbers: Numbers) -> Numbers:
        """What ``places_of`` says of the stem of each word, ``(len(numbers), places)``."""
        return self._places[numbers]

    def vectors(self, numbers: Numbers) -> Vectors:
        """Unit vectors, float32 ``(len(numbers), dimension)``; zero for a word that the model does not know.

        Only with `have_vectors`, and for numbers that `numbers` gave.
        """
        stored, late = self._stored, self._late
        if stored is not None and late is not None:
            is_late = numbers >= self._first_late
            found = stored[np.minimum(numbers, self._first_late - 1)]
            found[is_late] = late[numbers[is_late] - self._first_late]
            return found
        rows = late if stored is None else stored
        if rows is None:
            raise ValueError("These words have no vectors, or there are no words yet.")
        return rows[numbers]

    def _numbers_of(self, words: Sequence[str]) -> Numbers:
        known = self._numbers
        return np.fromiter((known[word] for word in words), dtype=np.int32, count=len(words))

    def _add(self, words: Sequence[str], stems: Sequence[str]) -> None:
        start = len(self._numbers)
        places = slice(start, start + len(words))
        self._stem_of = _grown(self._stem_of, places.stop)
        self._stem_of[places] = [self._stems.setdefault(stem, len(self._stems)) for stem in stems]
        if self._places_of is not None and stems:
            found = np.array([self._places_of(stem) for stem in stems], dtype=np.int32)
            self._places = _grown(self._places if start else found[:0], places.stop)
            self._places[places] = found
        if self._encode is not None and places.stop > max(start, self._first_late):
            self._add_vectors(unit(self._encode(list(words[max(self._first_late - start, 0) :]))), stop=places.stop)
        # Last, so that no number is given away before its row is there.
        self._numbers.update((word, start + offset) for offset, word in enumerate(words))

    def _add_vectors(self, vectors: Vectors, *, stop: int) -> None:
        """Put vectors down as those of the words before number ``stop``."""
        before = self._late
        if before is None:
            before = np.zeros((_FIRST_ROWS, vectors.shape[1]), dtype=np.float32)
        end = stop - self._first_late
        rows = _grown(before, end)
        rows[end - len(vectors) : end] = vectors
        self._late = rows


def unit(vectors: Vectors) -> Vectors:
    """The same vectors, each of length 1; those without a length stay 0."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.maximum(lengths, 1e-9), dtype=np.float32)


def _grown(rows: npt.NDArray[Kind], needed: int) -> npt.NDArray[Kind]:
    """The same rows with room for ``needed`` of them; a new array if there was none, the old one stays as it was."""
    if needed <= len(rows):
        return rows
    grown = np.zeros((2 * needed, *rows.shape[1:]), dtype=rows.dtype)
    grown[: len(rows)] = rows
    return grown
