"""From what the legs found to one order of candidates."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from rag_demo.index.analyse import stem
from rag_demo.index.ports import DocKey, Scored
from rag_demo.index.traits import written_words
from rag_demo.ports import Vectors
from rag_demo.retrieve.features import Asked, Candidate, Floats, features
from rag_demo.retrieve.fuse import Fused, diversify, fuse
from rag_demo.retrieve.prior import wanted
from rag_demo.retrieve.purpose import purposes_of
from rag_demo.retrieve.query import Query
from rag_demo.retrieve.rank import Ranker
from rag_demo.retrieve.sketch import Sketch
from rag_demo.retrieve.sketches import Sketches
from rag_demo.retrieve.spaces import OpenSpace, rarity
from rag_demo.retrieve.translate import Translator
from rag_demo.types import LegRank


@dataclass(frozen=True, slots=True)
class Judged:
    """The candidates of a question; ``features`` and ``scores`` are in the order of ``sketches``."""

    sketches: Mapping[DocKey, Sketch]
    legs: Mapping[DocKey, dict[str, LegRank]]
    features: Floats
    scores: Floats

    def best_first(self) -> list[tuple[DocKey, float]]:
        """All candidates with their scores.

        At most two of one object stand among the first five, and one part of each method among the first ten.
        """
        keys = list(self.sketches)
        order = np.argsort(-self.scores, kind="stable").tolist()
        once = diversify(order, lambda place: _passage_of(keys[place], self.sketches[keys[place]]), within=10, most=1)
        varied = diversify(once, lambda place: _object_of(keys[place], self.sketches[keys[place]]))
        return [(keys[place], float(self.scores[place])) for place in varied]


class Judge:
    """Gives candidates their order. Safe to call from several threads."""

    def __init__(
        self,
        *,
        weights: Mapping[str, float],
        ranker: Ranker | None = None,
        encode_words: Callable[[list[str]], Vectors] | None = None,
        translator: Translator | None = None,
    ) -> None:
        """Take what decides.

        Args:
            weights: of the legs in the fusion.
            ranker: gives the candidates their order; None: the fusion does.
            encode_words: vectors of single words of questions and documents; None: the ranker does without.
            translator: of the same model; None: the ranker does without.
        """
        self._weights = weights
        self._ranker = ranker
        self._hard = Sketches()
        self._translator = translator
        places_of = translator.places if translator is not None else None
        self._soft = Sketches(encode_words, places_of) if encode_words is not None else None

    def judge(self, legs: Mapping[str, list[Scored]], spaces: Sequence[OpenSpace], query: Query) -> Judged:
        """The candidates in the order of the fusion, with what their own order rests on.

        Args:
            legs: what each leg found, best first. Without "dense" words are compared by their stems alone.
            spaces: that were searched.
            query: the question.
        """
        fused = fuse({leg: [scored.key for scored in found] for leg, found in legs.items()}, self._weights)
        scores = {leg: {scored.key: scored.score for scored in found} for leg, found in legs.items()}
        soft = self._soft if "dense" in legs else None
        sketches, words = (soft or self._hard).of([entry.item for entry in fused], spaces)
        fused = [entry for entry in fused if entry.item in sketches]
        ranks = {
            entry.item: {leg: LegRank(rank, scores[leg][entry.item]) for leg, rank in entry.ranks.items()}
            for entry in fused
        }
        candidates = [
            Candidate(found, ranks[key], wanted(found.facts, found.object_kind, query))
            for key, found in sketches.items()
        ]
        table = features(_asked(spaces, query), candidates, words, self._translator if soft is not None else None)
        return Judged(sketches, ranks, table, self._scores(fused, candidates, table, soft=soft is not None))

    def _scores(
        self, fused: Sequence[Fused[DocKey]], candidates: Sequence[Candidate], table: Floats, *, soft: bool
    ) -> Floats:
        if self._ranker is not None:
            return self._ranker.scores(table, soft=soft)
        together = [entry.score * candidate.wanted for entry, candidate in zip(fused, candidates, strict=True)]
        return np.array(together, dtype=np.float32)


def _asked(spaces: Sequence[OpenSpace], query: Query) -> Asked:
    words = tuple(dict.fromkeys(written_words(query.text)))
    worth = [rarity(spaces, stem(word)) for word in words]
    others = tuple((words.index(said), other) for said, other in query.others if said in words)
    return Asked(words, np.array(worth, dtype=np.float32), purposes_of(words), others)


def _object_of(key: DocKey, found: Sketch) -> tuple[str, str, str]:
    return key.space_id, found.object_kind, found.object_name


def _passage_of(key: DocKey, found: Sketch) -> tuple[str, str]:
    """Parts of one method are one passage; those of an object's description hold different facts."""
    return key.space_id, found.full_name if "method" in found.facts else key.doc_id
