"""Asking every question and noting where the answer stood, in the end and in each leg."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from rag_demo.evaluate.cases import Case
from rag_demo.evaluate.measure import Ranks
from rag_demo.types import Document, Hit

FUSED = "fused"
Search = Callable[[str], Sequence[Hit]]
Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What happened to one question: rank of each gold by leg, `FUSED` among them; or whether it was refused."""

    case: Case
    ranks: dict[str, Ranks] = field(default_factory=dict)
    elapsed_ms: float = 0.0
    refused: bool | None = None  # None: it was searched, not answered


def search_all(cases: Sequence[Case], search: Search, *, on_progress: Progress = lambda *_: None) -> list[Outcome]:
    """Outcome of each question, in order.

    Args:
        cases: with golds.
        search: question → hits, best first, as deep as the figures are wanted.
        on_progress: told after each question.
    """
    outcomes = []
    for done, case in enumerate(cases, start=1):
        started = time.perf_counter()
        hits = search(case.question)
        elapsed_ms = (time.perf_counter() - started) * 1e3
        outcomes.append(Outcome(case, ranks_of(case, hits), elapsed_ms))
        on_progress(done, len(cases))
    return outcomes


def answer_all(
    cases: Sequence[Case], refuses: Callable[[str], bool], search: Search, *, on_progress: Progress
) -> list[Outcome]:
    """Outcome of each question that is answered or refused, in order.

    Args:
        cases: with golds, or without where nothing answers them.
        refuses: whether the answer to a question is a refusal; this is what is timed.
        search: question → the hits that its answer rests on.
        on_progress: told after each question.
    """
    outcomes = []
    for done, case in enumerate(cases, start=1):
        started = time.perf_counter()
        refused = refuses(case.question)
        elapsed_ms = (time.perf_counter() - started) * 1e3
        ranks = {FUSED: ranks_of(case, search(case.question))[FUSED]} if case.gold else {}
        outcomes.append(Outcome(case, ranks, elapsed_ms, refused))
        on_progress(done, len(cases))
    return outcomes


def ranks_of(case: Case, hits: Sequence[Hit]) -> dict[str, Ranks]:
    """Rank of each gold in the fused list and in each leg that found anything."""
    answering = [
        [(place, hit) for place, hit in enumerate(hits, start=1) if answers(hit.document, case, gold)]
        for gold in case.gold
    ]
    legs = dict.fromkeys(leg for hit in hits for leg in hit.legs)
    found: dict[str, Ranks] = {FUSED: [_least(place for place, _ in matches) for matches in answering]}
    for leg in legs:
        found[leg] = [_least(hit.legs[leg].rank for _, hit in matches if leg in hit.legs) for matches in answering]
    return found


def answers(document: Document, case: Case, gold: str) -> bool:
    """Whether a document is what ``gold`` names, or the description of the object that it is a part of."""
    if document.full_name != gold:
        inside = document.doc_type == "metadata_object" and gold.startswith(f"{document.full_name}.")
        if not inside or not _says(gold.rpartition(".")[2], document.text):
            return False
    return not case.answer or _says(case.answer, document.body) or _says(case.answer, document.text)


def _says(name: str, text: str) -> bool:
    """Whether a name stands in a text as a word: «ИмяПользователя» does not tell of «Имя»."""
    return re.search(rf"(?<!\w){re.escape(name)}(?!\w)", text) is not None


def _least(ranks: Iterable[int]) -> int | None:
    return min(ranks, default=None)
