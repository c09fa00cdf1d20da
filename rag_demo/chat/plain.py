"""Searching, judging what was found, and answering out of it without a language model."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass

from rag_demo.chat.case import Case
from rag_demo.chat.evidence import is_evidence, strength, weigh
from rag_demo.chat.extractive import compose, enumerate_objects, refuse
from rag_demo.chat.library import Shelves
from rag_demo.chat.ports import Knowledge
from rag_demo.events import Events, RetrievalFinished
from rag_demo.retrieve.search import Found, Retriever
from rag_demo.types import Answer, Source

NEAREST = 3  # hits that a refusal names


@dataclass(frozen=True, slots=True)
class Judged:
    """What was found, and whether it speaks of the question. ``sources`` are empty if it does not."""

    found: Found
    weights: Mapping[str, float]
    sources: tuple[Source, ...]


class Teller:
    """Finds sources and tells what they say. Safe to use from several threads."""

    def __init__(self, retriever: Retriever, *, knowledge: Knowledge, shelves: Shelves, events: Events) -> None:
        self._retriever = retriever
        self._knowledge = knowledge
        self._shelves = shelves
        self._events = events

    def judge(self, case: Case) -> Judged:
        """Search, and find out whether what was found speaks of the question at all."""
        with case.stage("retrieve"):
            found = self._retriever.search(case.standalone, case.top_k, where=case.where)
        weights = weigh(found.rarity, found.query.actions)
        if found.listed:
            hits = found.hits
        else:
            evident = [hit for hit in found.hits if is_evidence(hit, weights)]
            # What speaks of the question comes first; the rest of the hits follow as further reading.
            hits = (*evident, *(hit for hit in found.hits if hit not in evident)) if evident else ()
        case.stages_ms.update(found.timings_ms)
        if self._events:
            took, stages = case.stages_ms["retrieve"], tuple(found.timings_ms.items())
            best = None if found.listed else max((strength(hit, weights) for hit in found.hits), default=None)
            self._events.emit(RetrievalFinished(took, len(found.hits), bool(hits), best, found.degraded, stages))
        return Judged(found, weights, tuple(Source(n, hit) for n, hit in enumerate(hits, start=1)))

    def tell(self, case: Case, judged: Judged) -> Answer:
        """The answer out of the sources, or the refusal where there are none."""
        with case.stage("answer"):
            found = judged.found
            if found.listed:
                text = enumerate_objects(case.question, found.listed, judged.sources)
                return make_answer(case, text, judged.sources, judged)
            if not judged.sources:
                text = refuse(case.question, [hit.document for hit in found.hits[:NEAREST]])
                return make_answer(case, text, (), judged, refused=True)
            composed = compose(
                case.standalone,
                judged.sources,
                judged.weights,
                knowledge=self._knowledge,
                library=self._shelves.within(case.where.space_ids),
            )
            return make_answer(case, composed.text, composed.sources, judged)


def make_answer(case: Case, text: str, sources: tuple[Source, ...], judged: Judged, **more: object) -> Answer:
    """The record of an answer; ``more`` are further fields of it."""
    plain = Answer(case.question, text, sources, degraded=judged.found.degraded)
    standalone = case.standalone if case.standalone != case.question else ""
    return dataclasses.replace(plain, standalone=standalone, **more)  # type: ignore[arg-type]
