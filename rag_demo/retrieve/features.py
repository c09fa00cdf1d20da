"""What speaks for a candidate, in numbers: the features that the learned ranker weighs. Pure functions.

Nothing here goes over single words of single candidates: all words of all candidates stand in one array, and each
feature is a maximum or a sum over its pieces.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from rag_demo.index.fields import OTHER_WORD
from rag_demo.ports import Vectors
from rag_demo.retrieve.purpose import CROSSES, Purpose
from rag_demo.retrieve.sketch import ROW, Sketch
from rag_demo.retrieve.translate import Translator
from rag_demo.retrieve.vectors import Numbers, Words
from rag_demo.types import LegRank

Floats = npt.NDArray[np.float32]
_LEGS = ("lexical", "dense", "exact")
_RANK_CONSTANT = 20
_SHARP = 4  # power that leaves little of any but close matches
_VERB = 2  # first words of a question; its verb is among them
_ONE_THREAD = 65_536 * 4  # multiplications: the limit of OpenBLAS (SMP_THRESHOLD_MIN, interface/gemm.c)
_HARD = ("cover_name", "cover_owner", "cover_all", "precise_name", "verb_first")
_TRANSLATED = "soft_translated"
_SOFT = ("soft_name", "soft_owner", "soft_all", "soft_back", "soft_sharp")
NAMES = (
    *(f"{leg}_rank" for leg in _LEGS),
    "lexical_score",
    "dense_score",
    *_HARD,
    *_SOFT,
    _TRANSLATED,
    "wanted",
    *ROW,
    *(f"{purpose}_{fact}" for purpose, fact in CROSSES),
)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A document that some leg found."""

    sketch: Sketch
    legs: Mapping[str, LegRank]
    wanted: float = 1.0  # factor of what the question asks for (`prior.wanted`)


@dataclass(frozen=True, slots=True)
class Asked:
    """The words of a question as they are written, what each is worth, and what its verb asks for."""

    words: tuple[str, ...]
    idf: Floats = field(repr=False)  # (words,)
    purposes: frozenset[Purpose] = frozenset()
    others: tuple[tuple[int, str], ...] = ()  # places of words, each with another for the same


def features(
    asked: Asked, candidates: Sequence[Candidate], words: Words, translator: Translator | None = None
) -> Floats:
    """One row for each candidate, columns as in `NAMES`.

    Args:
        asked: the question.
        candidates: of one question; some features compare them with each other.
        words: that the sketches were made with. Where they have no vectors, the soft features are 0.
        translator: that the words have their places of; None: that feature is 0.

    Returns:
        float32 ``(len(candidates), len(NAMES))``.
    """
    if not candidates:
        return np.zeros((0, len(NAMES)), dtype=np.float32)
    sketches = [candidate.sketch for candidate in candidates]
    rows = np.stack([sketch.row for sketch in sketches])
    columns = [
        *_leg_columns(candidates),
        *_word_columns(asked, sketches, words),
        _translated(asked, sketches, words, translator),
        np.log(np.array([candidate.wanted for candidate in candidates], dtype=np.float32)),
        *rows.T,
        *(rows[:, ROW.index(fact)] * (purpose in asked.purposes) for purpose, fact in CROSSES),
    ]
    return np.stack([np.asarray(column, dtype=np.float32) for column in columns], axis=1)


def _leg_columns(candidates: Sequence[Candidate]) -> list[Floats]:
    columns = []
    for leg in _LEGS:
        ranks = [candidate.legs[leg].rank if leg in candidate.legs else None for candidate in candidates]
        columns.append(np.array([1 / (_RANK_CONSTANT + rank) if rank else 0.0 for rank in ranks], dtype=np.float32))
    for leg in _LEGS[:2]:
        scores = [candidate.legs[leg].score if leg in candidate.legs else 0.0 for candidate in candidates]
        columns.append(np.array(scores, dtype=np.float32) / max(*scores, 0.0, 1e-9))
    return columns


class _Matched(NamedTuple):
    """The words of all candidates, one after the other, beside those of the question."""

    question: Numbers  # (asked + others,)
    unique: Numbers  # the different words of the candidates
    places: Numbers  # of each word among the unique ones
    sizes: Numbers  # (candidates, 3): words of the name, of the owner, others
    share: Floats  # what each asked word is worth, (asked,); the sum is 1
    others: Numbers  # (others,): places of the asked words that they stand for

    def folded(self, near: Floats) -> Floats:
        """Rows of the asked words, each with what is nearer to another word for it, ``(asked, …)``."""
        rows = near[: len(self.share)]
        for place, other in zip(self.others, near[len(self.share) :], strict=True):
            rows[place] = np.maximum(rows[place], OTHER_WORD * other)
        return rows


def _word_columns(asked: Asked, sketches: Sequence[Sketch], words: Words) -> list[Floats]:
    """How the words of the question and those of the candidates cover each other, by stems and by vectors."""
    none = np.zeros(len(sketches), dtype=np.float32)
    if not asked.words:
        return [none] * (len(_HARD) + len(_SOFT))
    question = words.numbers((*asked.words, *(word for _, word in asked.others)))
    others = np.array([place for place, _ in asked.others], dtype=np.int32)
    unique, places = _distinct(np.concatenate([sketch.words for sketch in sketches]), len(words))
    sizes = np.array([sketch.sizes for sketch in sketches])
    matched = _Matched(question, unique, places, sizes, asked.idf / max(float(asked.idf.sum()), 1e-9), others)
    soft = _soft_columns(matched, words) if words.have_vectors else [none] * len(_SOFT)
    return [*_hard_columns(matched, words), *soft]


def _hard_columns(matched: _Matched, words: Words) -> list[Floats]:
    """Share of the question that the name, name and owner, all words cover; share of the name that it covers."""
    question, unique, places, sizes, share, _ = matched
    same = matched.folded((words.stems(question)[:, None] == words.stems(unique)[None, :]).astype(np.float32))
    covered = [_weighed(share, part) for part in _most(same[:, places], sizes)]
    asked_for = _sum_of_names(same.max(axis=0)[places], sizes)
    # Words of the name that nobody asked for count as much as the words of the question on average.
    rest = (sizes[:, 0] - asked_for) / len(share)
    precise = np.asarray(covered[0] / np.maximum(covered[0] + rest, 1e-9), dtype=np.float32)
    return [*covered, precise, _most(same[:_VERB, places], sizes)[0].max(axis=0)]


def _soft_columns(matched: _Matched, words: Words) -> list[Floats]:
    """The same by vectors: each word of one side counts with the cosine of the nearest word of the other.

    This is late interaction (Khattab, Zaharia: ColBERT, SIGIR 2020) over vectors of single words.
    """
    question, unique, places, sizes, share, _ = matched
    near = matched.folded(np.maximum(_cosines(words.vectors(question), words.vectors(unique)), 0))
    parts = _most(near[:, places], sizes)
    back = _sum_of_names(near.max(axis=0)[places], sizes) / np.maximum(sizes[:, 0], 1)
    forward = [_weighed(share, part) for part in parts]
    return [*forward, back.astype(np.float32), _weighed(share, parts[0] ** _SHARP)]


def _translated(asked: Asked, sketches: Sequence[Sketch], words: Words, translator: Translator | None) -> Floats:
    if translator is None or not asked.words:
        return np.zeros(len(sketches), dtype=np.float32)
    question = words.places(words.numbers(asked.words))
    return translator.scores(question, sketches, words.places(np.concatenate([sketch.words for sketch in sketches])))


def _weighed(share: Floats, values: Floats) -> Floats:
    return np.asarray(share @ values, dtype=np.float32)


def _distinct(numbers: Numbers, most: int) -> tuple[Numbers, Numbers]:
    """The different numbers in order, all below ``most``, and the place of each of ``numbers`` among them."""
    there = np.zeros(most, dtype=bool)
    there[numbers] = True
    unique = np.flatnonzero(there).astype(np.int32)
    place = np.zeros(most, dtype=np.int32)
    place[unique] = np.arange(len(unique), dtype=np.int32)
    return unique, place[numbers]


def _cosines(asked: Vectors, others: Vectors) -> Floats:
    """Products of all pairs of rows, float32 ``(len(asked), len(others))``, in pieces that stay on this thread.

    OpenBLAS calls its other threads for anything larger; beside a busy process, waiting for them takes ten times as
    long as the product (22 ms for 6 ms of all this, two cores).
    """
    step = max(_ONE_THREAD // max(asked.size, 1), 1)
    pieces = [asked @ others[start : start + step].T for start in range(0, len(others), step)]
    return np.concatenate(pieces, axis=1) if pieces else np.zeros((len(asked), 0), dtype=np.float32)


def _most(values: Floats, sizes: Numbers) -> list[Floats]:
    """Largest value over the name, over name and owner, and over all words of each candidate.

    Args:
        values: of each word of the question and of the candidates, one after the other, ``(words, numbers)``; not
            below 0.
        sizes: ``(candidates, 3)``.

    Returns:
        Three arrays, float32 ``(words, candidates)``; 0 where there are no words.
    """
    flat = sizes.ravel()
    filled = np.flatnonzero(flat)
    pieces = np.zeros((len(values), len(flat)), dtype=np.float32)
    if len(filled):
        starts = np.concatenate([[0], np.cumsum(flat[filled])[:-1]])
        pieces[:, filled] = np.maximum.reduceat(values, starts, axis=1)
    name, owner, rest = (pieces[:, place::3] for place in range(3))
    owner = np.maximum(name, owner)
    return [name, owner, np.maximum(owner, rest)]


def _sum_of_names(values: Floats, sizes: Numbers) -> Floats:
    """Sum over the words of each name, float32 ``(candidates,)``."""
    total = np.concatenate([[0.0], np.cumsum(values, dtype=np.float64)])
    starts = np.concatenate([[0], np.cumsum(sizes.sum(axis=1))[:-1]])
    return np.asarray(total[starts + sizes[:, 0]] - total[starts], dtype=np.float32)
