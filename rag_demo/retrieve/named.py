"""The description of an object that a question of facts names goes first. Pure functions."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from rag_demo.index.analyse import fold
from rag_demo.retrieve.judge import Judged
from rag_demo.retrieve.query import Query


def lift_named(judged: Judged, query: Query) -> Judged:
    """The candidates with the best part of each description that is asked for above all others.

    «Какого типа реквизит Владелец у справочника Договоры?» has one answer, however many help pages and methods have
    more of its words. Where dotted names and parts of them were found, those with most parts count.
    """
    if not query.asks_facts:
        return judged
    best: dict[tuple[str, str], int] = {}
    length = 0.0
    for place, (key, found) in enumerate(judged.sketches.items()):
        exact = judged.legs[key].get("exact")
        if exact is None or "metadata_object" not in found.facts or exact.score < length:
            continue
        if exact.score > length:
            best, length = {}, exact.score
        owner = key.space_id, found.full_name
        if owner not in best or judged.scores[place] > judged.scores[best[owner]]:
            best[owner] = place
    called = [fold(name) for _, name in best]
    # «справочник Договоры контрагентов» does not mean the catalogue «Договоры».
    best = {
        owner: place
        for owner, place in best.items()
        if not any(name != fold(owner[1]) and name.startswith(fold(owner[1])) for name in called)
    }
    scores = judged.scores.copy()
    scores[list(best.values())] += np.ptp(scores) + 1 if best else 0
    return replace(judged, scores=scores)
