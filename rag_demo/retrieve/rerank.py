"""The first hits of a search in the order of a model that reads question and passage together, within a time limit."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Literal, NamedTuple

from rag_demo.events import Events, Reranked
from rag_demo.types import Document, Hit, LegRank

# Question and a few passages → how well each answers it; larger is better.
Score = Callable[[str, Sequence[str]], Sequence[float]]
RERANK = "rerank"  # in `Hit.legs`, in timings and among the degraded parts
_log = logging.getLogger(__name__)
_BATCH = 4  # between two of them it is seen whether there is time left
_LONGEST = 2_000  # letters; the usual models read 512 tokens


class Ordered(NamedTuple):
    """Hits, best first. ``complete`` is false where they are in their old order, because the model did not finish."""

    hits: list[Hit]
    complete: bool


class Reranker:
    """Orders the first hits anew; what comes late, or fails, changes nothing. Safe to call from several threads."""

    def __init__(self, score: Score, *, top: int, timeout_s: float, events: Events | None = None) -> None:
        """Take the model.

        Args:
            score: of a few passages; called by one thread for each search, several at once.
            top: how many hits are looked at.
            timeout_s: for all of them together.
            events: told of every search.
        """
        self._score = score
        self.top = top
        self._timeout_s = timeout_s
        self._events = events or Events()

    def __call__(self, question: str, hits: Sequence[Hit]) -> Ordered:
        """The hits, the first of them in the order of the model."""
        chosen = list(hits[: self.top])
        started = time.perf_counter()
        task = _Task(self._score, question, [passage(hit.document) for hit in chosen])
        # A native call cannot be interrupted: the thread ends after the batch that it is at.
        thread = threading.Thread(target=task.run, name="rag-rerank", daemon=True)
        thread.start()
        thread.join(self._timeout_s)
        outcome = task.end()
        self._events.emit(Reranked((time.perf_counter() - started) * 1e3, len(chosen), outcome))
        if outcome == "timeout":
            _log.warning("RAG_RERANK_TIMEOUT_S=%g is over: the hits keep their order.", self._timeout_s)
        if outcome != "done":
            return Ordered(list(hits), complete=False)
        return Ordered([*_in_order(chosen, task.scores), *hits[self.top :]], complete=True)


def passage(document: Document) -> str:
    """What the model reads of a document: where it stands, what it is for, what it says."""
    parts = (document.header or document.full_name, document.synonym, document.doc, document.text)
    return "\n".join(filter(None, parts))[:_LONGEST]


class _Task:
    """The work of one search, done in a thread of its own."""

    def __init__(self, score: Score, question: str, passages: list[str]) -> None:
        self._score = score
        self._question = question
        self._passages = passages
        self._stop = threading.Event()
        self._failed = False
        self.scores: list[float] = []

    def run(self) -> None:
        """Score the passages, a few at a time."""
        found: list[float] = []
        try:
            for start in range(0, len(self._passages), _BATCH):
                if self._stop.is_set():
                    return
                found += [float(value) for value in self._score(self._question, self._passages[start : start + _BATCH])]
        except Exception as error:  # noqa: BLE001  # whatever fails there, the order of the legs is good enough
            self._failed = True
            _log.warning("The reranker failed, so the hits keep their order: %s", error)
        else:
            self.scores = found

    def end(self) -> Literal["done", "timeout", "failed"]:
        """How far it came; it comes no farther."""
        self._stop.set()
        if self._failed:
            return "failed"
        return "done" if len(self.scores) == len(self._passages) else "timeout"


def _in_order(hits: Sequence[Hit], scores: Sequence[float]) -> list[Hit]:
    order = sorted(range(len(hits)), key=lambda place: -scores[place])
    # The scores of the legs go with the places, so that they go on falling; those of the model are told beside them.
    falling = sorted((hit.score for hit in hits), reverse=True)
    return [
        replace(hits[place], score=score, legs={**hits[place].legs, RERANK: LegRank(rank, scores[place])})
        for rank, (place, score) in enumerate(zip(order, falling, strict=True), start=1)
    ]
