"""What any retrieval has to beat, measured in the same run: BM25 over names and bodies, and the fusion of two."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from rag_demo.index.analyse import terms
from rag_demo.retrieve.fuse import fuse
from rag_demo.types import Document, Hit, LegRank

_K1, _B = 1.2, 0.75
_DEPTH = 50
PLAIN, FUSED_BM25 = "BM25", "RRF-BM25"


class Bm25:
    """BM25 over one bag of words per document (Robertson, Zaragoza 2009), in memory."""

    def __init__(self, bags: Sequence[Sequence[str]]) -> None:
        """Take the terms of each document."""
        lengths = np.array([len(bag) for bag in bags], dtype=float)
        self._norm = _K1 * (1 - _B + _B * lengths / max(lengths.mean(), 1e-9))
        postings: dict[str, tuple[list[int], list[int]]] = defaultdict(lambda: ([], []))
        for number, bag in enumerate(bags):
            for term, count in Counter(bag).items():
                numbers, counts = postings[term]
                numbers.append(number)
                counts.append(count)
        self._postings = {
            term: (np.array(numbers), np.array(counts, dtype=float)) for term, (numbers, counts) in postings.items()
        }

    def scores(self, query: Sequence[str]) -> npt.NDArray[np.float64]:
        """Score of every document, float64 ``(documents,)``."""
        total = np.zeros(len(self._norm))
        for term in dict.fromkeys(query):
            if term in self._postings:
                numbers, counts = self._postings[term]
                idf = math.log(1 + (len(total) - len(numbers) + 0.5) / (len(numbers) + 0.5))
                total[numbers] += idf * counts * (_K1 + 1) / (counts + self._norm[numbers])
        return total

    def best(self, query: Sequence[str]) -> list[tuple[int, float]]:
        """The first 50 documents that share a term with the query, with their scores, best first."""
        scores = self.scores(query)
        order = np.argsort(-scores, kind="stable")[:_DEPTH]
        return [(int(number), float(scores[number])) for number in order if scores[number] > 0]


def baselines(documents: Sequence[Document]) -> dict[str, Callable[[str], list[Hit]]]:
    """The two searches over these documents by name.

    «BM25»: object, twice the name, body; «RRF-BM25»: that and object and name alone, fused by reciprocal rank.
    """
    names = [terms(f"{document.object_name} {document.name} {document.name}") for document in documents]
    bodies = [
        [*name, *terms(f"{document.signature}\n{document.body}", code=True)]
        for name, document in zip(names, documents, strict=True)
    ]
    whole, short = Bm25(bodies), Bm25(names)

    def plain(question: str) -> list[Hit]:
        found = enumerate(whole.best(terms(question)), start=1)
        return [Hit(documents[number], score, {PLAIN: LegRank(rank, score)}) for rank, (number, score) in found]

    def fused(question: str) -> list[Hit]:
        query = terms(question)
        lists = {
            "body": [number for number, _ in whole.best(query)],
            "name": [number for number, _ in short.best(query)],
        }
        best = fuse(lists, dict.fromkeys(lists, 1.0))[:_DEPTH]
        return [
            Hit(documents[entry.item], entry.score, {FUSED_BM25: LegRank(rank, entry.score)})
            for rank, entry in enumerate(best, start=1)
        ]

    return {PLAIN: plain, FUSED_BM25: fused}
