"""How good a model is at questions it has not seen, and what its leg is worth beside the search for words.

The questions are comments that were kept out of training, or names where there are few comments; the answer is the
document that each belongs to, without that text, among a few thousand others.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import sparse

from rag_demo.adapt.fields import Shown
from rag_demo.adapt.pairs import Pair
from rag_demo.index.analyse import terms

Floats = npt.NDArray[np.float32]
Ranks = npt.NDArray[np.int64]
# Weights of the vectors in the rank fusion that are tried, words counting 1. 0: the vectors are not asked.
WEIGHTS = (0.0, 0.25, 0.5, 1.0, 2.0, 4.0)
MOST_QUESTIONS = 500
_MOST_DOCUMENTS = 4_000
_FEWEST_COMMENTS = 40
_SHARE = 0.1
_ENOUGH = 60  # questions; of fewer texts a quarter is held out
_RANK_CONSTANT = 60
# Names are asked without the names of the documents: that makes words look worse than they are in use.
MOST_BY_NAMES = 1.0
# How far a gain must stand above chance, in standard errors of the paired difference.
_SURE = 1.0


@dataclass(frozen=True, slots=True)
class HeldOut:
    """Questions with their answers, and the documents that are searched.

    Attributes:
        pairs: the questions.
        pool: places of the searched documents in the list of all.
        answers: place of the answer of each question in ``pool``.
    """

    pairs: tuple[Pair, ...]
    pool: npt.NDArray[np.int64]
    answers: npt.NDArray[np.int64]

    @property
    def fields(self) -> Shown:
        """Which fields of the documents are searched: those that do not hold the questions."""
        return self.pairs[0].fields


@dataclass(frozen=True, slots=True)
class Choice:
    """What the vectors are worth: ``weight`` 0 says that words alone find at least as well.

    The rates are shares of the held-out questions whose answer is among the first ten.
    """

    weight: float
    words: float
    vectors: float
    both: float
    questions: int


def hold_out(pairs: Sequence[Pair], documents: int, *, seed: int) -> tuple[list[Pair], HeldOut | None]:
    """Split pairs into those to learn from and questions; None where there are too few to tell anything."""
    random = np.random.default_rng(seed)
    comments = [pair for pair in pairs if pair.source == "comment" and pair.fields.name and pair.fields.body]
    questions = comments if len(comments) >= _FEWEST_COMMENTS else [pair for pair in pairs if pair.source == "name"]
    number = max(int(len(questions) * _SHARE), min(len(questions) // 4, _ENOUGH))
    number = min(number, MOST_QUESTIONS)
    if number < 8:
        return list(pairs), None
    chosen = [questions[place] for place in sorted(random.permutation(len(questions))[:number])]
    hidden = {pair.document for pair in chosen}
    texts = {pair.text for pair in chosen}
    sources = {chosen[0].source, "description"}
    left = [
        pair for pair in pairs if pair.text not in texts and not (pair.document in hidden and pair.source in sources)
    ]
    others = [place for place in random.permutation(documents) if place not in hidden]
    pool = np.array([pair.document for pair in chosen] + others[: _MOST_DOCUMENTS - number], dtype=np.int64)
    return left, HeldOut(tuple(chosen), pool, np.arange(number, dtype=np.int64))


def ranks(scores: Floats, answers: npt.NDArray[np.int64]) -> Ranks:
    """Rank from 1 of each answer; documents with the same score stand before it, so that a tie is no success."""
    own = scores[np.arange(len(answers)), answers]
    return np.asarray((scores >= own[:, None]).sum(axis=1), dtype=np.int64)


def word_scores(questions: Sequence[str], texts: Sequence[str]) -> Floats:
    """BM25 (Robertson, Zaragoza 2009; k1 1.2, b 0.75): float32 ``(questions, texts)``."""
    places: dict[str, int] = {}
    counts = _counted([terms(text) for text in texts], places, grow=True)
    asked = _counted([list(dict.fromkeys(terms(text))) for text in questions], places, grow=False)
    frequency = np.bincount(counts.indices, minlength=len(places))
    rarity = np.log(1 + (len(texts) - frequency + 0.5) / (frequency + 0.5))
    lengths = np.asarray(counts.sum(axis=1)).ravel()
    penalty = 1.2 * (0.25 + 0.75 * lengths / max(lengths.mean(), 1.0))
    rows = np.repeat(np.arange(len(texts)), np.diff(counts.indptr))
    counts.data = rarity[counts.indices] * counts.data * 2.2 / (counts.data + penalty[rows])
    return np.asarray((asked @ counts.T).toarray(), dtype=np.float32)


def choose_weight(
    words: Floats, vectors: Floats, answers: npt.NDArray[np.int64], *, most: float = WEIGHTS[-1]
) -> Choice:
    """The weight of the vectors that serves the questions best, or 0 where the gain may be chance.

    Args:
        words: scores of the word search, ``(questions, documents)``.
        vectors: cosines, of the same shape.
        answers: column of each answer, ``(questions,)``.
        most: the largest weight to try.
    """
    by_words, by_vectors = _places(words), _places(vectors)
    alone = ranks(words, answers)
    found = {0.0: alone}
    for weight in WEIGHTS[1:]:
        fused = 1 / (_RANK_CONSTANT + by_words) + weight / (_RANK_CONSTANT + by_vectors)
        found[weight] = ranks(fused.astype(np.float32), answers)
    best = max(
        (weight for weight in WEIGHTS if weight <= most), key=lambda weight: float(np.mean(_worth(found[weight])))
    )
    gain = _worth(found[best]) - _worth(alone)
    if gain.mean() <= _SURE * gain.std() / np.sqrt(len(gain)):
        best = 0.0
    return Choice(best, _hits(alone), _hits(ranks(vectors, answers)), _hits(found[best]), len(answers))


def _worth(found: Ranks) -> npt.NDArray[np.float64]:
    """What each rank is worth: half for how near the top it is, half for being among the first ten.

    The reciprocal rank alone would trade answers among the first ten for a few more at the top.
    """
    return np.asarray((1 / found + (found <= 10)) / 2, dtype=np.float64)


def _hits(found: Ranks) -> float:
    return round(float(np.mean(found <= 10)), 4)


def _places(scores: Floats) -> npt.NDArray[np.int64]:
    """Rank from 1 of every document for every question."""
    order = np.argsort(-scores, axis=1, kind="stable")
    places = np.empty_like(order)
    np.put_along_axis(places, order, np.arange(1, scores.shape[1] + 1)[None], axis=1)
    return places


def _counted(lists: Sequence[Sequence[str]], places: dict[str, int], *, grow: bool) -> sparse.csr_matrix:
    starts, columns, numbers = [0], [], []
    for words in lists:
        for word, number in Counter(words).items():
            column = places.setdefault(word, len(places)) if grow else places.get(word)
            if column is not None:
                columns.append(column)
                numbers.append(float(number))
        starts.append(len(columns))
    return sparse.csr_matrix((numbers, columns, starts), shape=(len(lists), len(places)))
