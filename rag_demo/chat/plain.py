"""Searching, judging what was found, and answering out of it without a language model."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rag_demo.chat.case import Case
from rag_demo.chat.confidence import Confidence
from rag_demo.chat.evidence import is_evidence, weights_of
from rag_demo.chat.extractive.callers import CODE
from rag_demo.chat.extractive.compose import compose, enumerate_objects, none_of_kind, refuse
from rag_demo.chat.language import without_language
from rag_demo.chat.library import Shelves
from rag_demo.chat.ports import Knowledge, Mentions
from rag_demo.chat.within import Within
from rag_demo.events import Events, RetrievalFinished
from rag_demo.index.ports import Where
from rag_demo.retrieve.query import analyse_question
from rag_demo.retrieve.search import Found, Retriever
from rag_demo.types import Answer, Hit, Source

NEAREST = 5  # hits that a refusal names


@dataclass(frozen=True, slots=True)
class Judged:
    """What was found, and whether it speaks of the question. ``sources`` are empty if it does not."""

    found: Found
    weights: Mapping[str, float]
    sources: tuple[Source, ...]
    lacking: str = ""  # English kind whose objects are to be listed or counted, and there are none


class Teller:
    """Finds sources and tells what they say. Safe to use from several threads."""

    def __init__(self, retriever: Retriever, *, knowledge: Knowledge, shelves: Shelves, events: Events) -> None:
        self._retriever = retriever
        self._knowledge = knowledge
        self._shelves = shelves
        self._events = events
        self._confidence = Confidence.load()

    def judge(self, case: Case) -> Judged:
        """Search, and find out whether what was found speaks of the question at all; a greeting is not searched for."""
        if case.reply:
            return Judged(Found(analyse_question(case.standalone), (), {}), {}, ())
        with case.stage("retrieve"):
            found = self._retriever.search(without_language(case.standalone), case.top_k, where=case.where)
        weights = weights_of(found)
        lacking = _lacking(found, case.where)
        sure = None if found.listed else 0.0 if lacking else self._confidence.of(found.hits, weights)
        hits = found.hits if sure is None else _sources(found.hits, weights) if sure >= 1 else ()
        case.stages_ms.update(found.timings_ms)
        if self._events:
            took, stages = case.stages_ms["retrieve"], tuple(found.timings_ms.items())
            best = sure if found.hits else None
            self._events.emit(RetrievalFinished(took, len(found.hits), bool(hits), best, found.degraded, stages))
        return Judged(found, weights, tuple(Source(n, hit) for n, hit in enumerate(hits, start=1)), lacking)

    def tell(self, case: Case, judged: Judged) -> Answer:
        """The answer out of the sources, or the refusal where there are none."""
        with case.stage("answer"):
            found = judged.found
            if case.reply:
                return make_answer(case, case.reply, (), judged, refused=True)
            if found.listed:
                text = enumerate_objects(case.standalone, found.listed, judged.sources)
                return make_answer(case, text, judged.sources, judged)
            if judged.lacking:
                return make_answer(case, none_of_kind(case.standalone, judged.lacking), (), judged, refused=True)
            if not judged.sources:
                text = refuse(case.standalone, [hit.document for hit in found.hits[:NEAREST]])
                return make_answer(case, text, (), judged, refused=True)
            composed = compose(
                case.standalone,
                judged.sources,
                judged.weights,
                knowledge=Within(self._knowledge, case.where),
                library=self._shelves.passing(case.where),
                mentions=self._mentions(case.where),
            )
            return make_answer(case, composed.text, composed.sources, judged)

    def _mentions(self, where: Where) -> Mentions:
        """Looks for code alone: descriptions that have a name would take the places of the code that calls it."""
        sorts = tuple(sort for sort in CODE if not where.doc_types or sort in where.doc_types)
        within = dataclasses.replace(where, doc_types=sorts)
        return lambda name: self._retriever.mentioning(name, where=within) if sorts else ()


def _lacking(found: Found, where: Where) -> str:
    """The kind of objects that a list was asked for in vain; a filter that leaves the kind out says nothing of it."""
    kind = found.query.listed
    left_out = bool(where.doc_types and "metadata_object" not in where.doc_types) or (
        bool(where.kinds) and kind not in where.kinds
    )
    return "" if found.listed or left_out else kind


def _sources(hits: Sequence[Hit], weights: Mapping[str, float]) -> tuple[Hit, ...]:
    """What speaks of the question by itself comes first; the rest of the hits follow as further reading."""
    return tuple(sorted(hits, key=lambda hit: not is_evidence(hit, weights)))


def make_answer(case: Case, text: str, sources: tuple[Source, ...], judged: Judged, **more: object) -> Answer:
    """The record of an answer; ``more`` are further fields of it."""
    plain = Answer(case.question, text, sources, degraded=judged.found.degraded)
    standalone = case.standalone if case.standalone != case.question else ""
    return dataclasses.replace(plain, standalone=standalone, **more)  # type: ignore[arg-type]
