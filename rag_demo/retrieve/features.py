"""What speaks for a candidate, in numbers: the features that the learned ranker weighs. Pure functions."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from rag_demo.index.analyse import stem
from rag_demo.index.traits import FACTS, Traits
from rag_demo.ports import Vectors
from rag_demo.types import LegRank

Floats = npt.NDArray[np.float32]
_LEGS = ("lexical", "dense", "exact")
_RANK_CONSTANT = 20
_ONE_THREAD = 65_536 * 4  # multiplications: the limit of OpenBLAS (SMP_THRESHOLD_MIN, interface/gemm.c)
NAMES = (
    *(f"{leg}_rank" for leg in _LEGS),
    "lexical_score",
    "dense_score",
    "cover_name",
    "cover_owner",
    "cover_all",
    "precise_name",
    "soft_name",
    "soft_owner",
    "soft_all",
    "soft_back",
    "wanted",
    "length",
    "namesakes",
    "name_words",
    *FACTS,
)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A document that some leg found."""

    traits: Traits
    legs: Mapping[str, LegRank]
    namesakes: int = 1  # documents of the same name, itself included
    wanted: float = 1.0  # factor of what the question asks for (`prior.wanted`)


@dataclass(frozen=True, slots=True)
class Asked:
    """The words of a question as they are written, and what each is worth."""

    words: tuple[str, ...]
    idf: Floats = field(repr=False)  # (words,)


def features(
    asked: Asked, candidates: Sequence[Candidate], vectors: Callable[[Sequence[str]], Vectors] | None
) -> Floats:
    """One row for each candidate, columns as in `NAMES`.

    Args:
        asked: at least one word.
        candidates: of one question; some features compare them with each other.
        vectors: words → unit vectors ``(words, dimension)``; None: the soft features are 0.

    Returns:
        float32 ``(len(candidates), len(NAMES))``.
    """
    if not candidates:
        return np.zeros((0, len(NAMES)), dtype=np.float32)
    columns: list[npt.ArrayLike] = [*_leg_columns(candidates), *_word_columns(asked, candidates)]
    none = np.zeros(len(candidates), dtype=np.float32)
    columns += _soft_columns(asked, candidates, vectors) if vectors is not None else [none] * 4
    columns += [
        np.log([candidate.wanted for candidate in candidates]),
        np.array([candidate.traits.length for candidate in candidates]),
        np.log([candidate.namesakes for candidate in candidates]),
        np.array([len(candidate.traits.name) for candidate in candidates]),
    ]
    columns += [np.array([fact in candidate.traits.facts for candidate in candidates]) for fact in FACTS]
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


def _word_columns(asked: Asked, candidates: Sequence[Candidate]) -> list[Floats]:
    """Share of the question that the name, name and owner, all words cover; share of the name that it covers."""
    worth = {stem(word): float(idf) for word, idf in zip(asked.words, asked.idf, strict=True)}
    total = sum(worth.values()) or 1.0
    usual = total / max(len(worth), 1)
    rows = []
    for candidate in candidates:
        traits = candidate.traits
        name = _stems(traits.name)
        owner = name | _stems(traits.owner)
        every = owner | _stems(traits.words)
        found = sum(worth[word] for word in name if word in worth)
        rest = usual * sum(word not in worth for word in name)
        shares = [sum(worth[word] for word in words & worth.keys()) / total for words in (name, owner, every)]
        rows.append([*shares, found / (found + rest or 1.0)])
    return list(np.array(rows, dtype=np.float32).T)


@lru_cache(maxsize=20_000)
def _stems(words: tuple[str, ...]) -> frozenset[str]:
    return frozenset(map(stem, words))


def _soft_columns(
    asked: Asked, candidates: Sequence[Candidate], vectors: Callable[[Sequence[str]], Vectors]
) -> list[Floats]:
    """The same by meaning: each word of one side counts with the cosine of the nearest word of the other.

    This is late interaction (Khattab, Zaharia: ColBERT, SIGIR 2020) over vectors of single words.
    """
    fields = [(candidate.traits.name, (*candidate.traits.name, *candidate.traits.owner)) for candidate in candidates]
    every = [(*owner, *candidate.traits.words) for (_, owner), candidate in zip(fields, candidates, strict=True)]
    vocabulary = {word: row for row, word in enumerate(dict.fromkeys(word for words in every for word in words))}
    near = _cosines(vectors(asked.words), vectors(list(vocabulary)))
    share = asked.idf / max(float(asked.idf.sum()), 1e-9)
    forward = [
        np.asarray(share @ _most(near, words, vocabulary), dtype=np.float32)
        for words in ([name for name, _ in fields], [owner for _, owner in fields], every)
    ]
    best = near.max(axis=0)
    back = [float(best[[vocabulary[word] for word in name]].mean()) if name else 0.0 for name, _ in fields]
    return [*forward, np.array(back, dtype=np.float32)]


def _cosines(asked: Vectors, others: Vectors) -> Floats:
    """Products of all pairs of rows, float32 ``(len(asked), len(others))``, in pieces that stay on this thread.

    OpenBLAS calls its other threads for anything larger; beside a busy process, waiting for them takes ten times as
    long as the product (22 ms for 6 ms of all this, two cores).
    """
    step = max(_ONE_THREAD // max(asked.size, 1), 1)
    pieces = [asked @ others[start : start + step].T for start in range(0, len(others), step)]
    return np.concatenate(pieces, axis=1) if pieces else np.zeros((len(asked), 0), dtype=np.float32)


def _most(near: Floats, texts: Sequence[Sequence[str]], vocabulary: Mapping[str, int]) -> Floats:
    """Largest value over the words of each text, float32 ``(len(near), len(texts))``; 0 for a text without words."""
    sizes = np.array([len(text) for text in texts])
    filled = np.flatnonzero(sizes)
    result = np.zeros((len(near), len(texts)), dtype=np.float32)
    if len(filled):
        columns = np.fromiter((vocabulary[word] for text in texts for word in text), dtype=np.int64)
        starts = np.concatenate([[0], np.cumsum(sizes[filled])[:-1]])
        result[:, filled] = np.maximum.reduceat(near[:, columns], starts, axis=1)
    return result
