"""From outcomes to figures: one table per kind of question, as data and as text. Pure functions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np

from rag_demo.evaluate.cases import SPLITS
from rag_demo.evaluate.measure import Estimate, Ranks, estimate, hit_at, ndcg_at, recall_at, reciprocal_rank
from rag_demo.evaluate.run import FUSED, Outcome

BOTH = "both"  # the questions of all splits
DEPTHS = (1, 3, 5, 10, 20, 50)
METHOD = "95 % intervals: percentile bootstrap, 2,000 resamples of whole objects (questions on one object together)"
_MEASURES: dict[str, Callable[[Ranks], float]] = {
    **{f"hit@{k}": partial(hit_at, k=k) for k in DEPTHS},
    **{f"recall@{k}": partial(recall_at, k=k) for k in (5, 10, 50)},
    "mrr": reciprocal_rank,
    "ndcg@10": partial(ndcg_at, k=10),
}
_SHOWN = ("hit@1", "hit@3", "hit@5", "hit@10", "hit@50", "mrr", "ndcg@10")


def report(outcomes: Sequence[Outcome], *, splits: Sequence[str] = SPLITS, **about: Any) -> dict[str, Any]:
    """All figures as plain data.

    Args:
        outcomes: of all sets; kinds and splits are told apart by their cases.
        splits: that get tables; `BOTH` is one table of all questions.
        about: what was measured (configuration, model, back ends).
    """
    sets: dict[str, Any] = {}
    for kind in dict.fromkeys(outcome.case.kind for outcome in outcomes):
        for split in splits:
            chosen = [one for one in outcomes if one.case.kind == kind and split in {one.case.split, BOTH}]
            if chosen:
                sets.setdefault(kind, {})[split] = _table(chosen)
    return {"method": METHOD, **about, "sets": sets, "latency_ms": _latency(outcomes)}


def as_text(figures: dict[str, Any], *, split: str) -> str:
    """The figures of one split as a table: measure with its interval for each kind and leg."""
    lines = [f"{split} split; {figures['method']}"]
    for kind, splits in figures["sets"].items():
        table = splits.get(split)
        if table is None:
            lines += ["", f"{kind}: no questions on this side of the split"]
            continue
        lines += ["", f"{kind}: {table['questions']} questions on {table['objects']} objects"]
        if "refused" in table:
            lines.append(f"  refused {_show(table['refused'])}")
            if "refused_with_gold" in table:
                share = table["gold_among_sources"] / table["questions"]
                lines.append(f"  of {share:.0%} with a right source: refused {_show(table['refused_with_gold'])}")
            continue
        lines.append(f"  {'':<16}" + "".join(f"{name:<21}" for name in _SHOWN))
        for leg, measures in table["legs"].items():
            lines.append(f"  {leg:<16}" + "".join(f"{_show(measures[name]):<21}" for name in _SHOWN))
    lines.append("")
    for name, value in figures["latency_ms"].items():
        lines.append(f"latency {name}: {value:.1f} ms")
    return "\n".join(lines)


def _table(outcomes: Sequence[Outcome]) -> dict[str, Any]:
    groups = [outcome.case.group for outcome in outcomes]
    table: dict[str, Any] = {"questions": len(outcomes), "objects": len(set(groups))}
    if outcomes[0].refused is not None:
        return table | _refusals(outcomes)
    legs = dict.fromkeys(leg for outcome in outcomes for leg in outcome.ranks)
    table["legs"] = {
        leg: {
            name: _plain(estimate([measure(outcome.ranks.get(leg, ())) for outcome in outcomes], groups))
            for name, measure in _MEASURES.items()
        }
        for leg in legs
    }
    return table


def _refusals(outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """How many were refused: of all, and of those with a gold among the sources, where refusing is wrong."""

    def refused(chosen: Sequence[Outcome]) -> dict[str, float]:
        return _plain(estimate([float(one.refused or 0) for one in chosen], [one.case.group for one in chosen]))

    figures: dict[str, Any] = {"refused": refused(outcomes)}
    with_gold = [one for one in outcomes if any(rank is not None for rank in one.ranks.get(FUSED, ()))]
    if with_gold:
        figures |= {"gold_among_sources": len(with_gold), "refused_with_gold": refused(with_gold)}
    return figures


def _latency(outcomes: Sequence[Outcome]) -> dict[str, float]:
    times = [outcome.elapsed_ms for outcome in outcomes]
    return {f"p{share}": float(np.percentile(times, share)) for share in (50, 95, 99)} if times else {}


def _plain(value: Estimate) -> dict[str, float]:
    return {"mean": round(value.mean, 4), "low": round(value.low, 4), "high": round(value.high, 4)}


def _show(value: dict[str, float]) -> str:
    return f"{value['mean']:.3f} [{value['low']:.3f},{value['high']:.3f}]"
