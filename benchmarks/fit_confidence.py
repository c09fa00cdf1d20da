"""Fits the weights of `rag_demo/chat/confidence.py` on tune questions and writes them as JSON.

    python benchmarks/fit_confidence.py [DUMP[=FILE] …] [--asked FILE[=DUMP] …] --out rag_demo/chat/confidence.json

Questions: the golden ones of the bundled configuration; those of people in files (``--asked``, of the bundled
configuration or a dump); the known items of the bundled configuration and of each dump (``=FILE``: only the paths in
that file) in the index «removed» of ``rag-demo eval``. Those with the answer among five hits are to be answered. Not
to be answered are questions without an answer, known items of other configurations, and known items while the family
of their object is left out of the search. Questions that a rule decides on have no part. Each group weighs as a whole,
however many questions it has; one of fewer than `_FEW` weighs less.

The threshold is the largest one that refuses at most a certain share of the questions that are to be answered, each
group counting alike. That share is the one, in half percents, with the largest difference between the shares of
people's questions that are refused rightly and wrongly (Youden, Cancer 1950), by weights and a threshold that were
fitted without their configuration. What is refused then is printed, too.
"""

from __future__ import annotations

import argparse
import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from asked import TOP_K, ask
from left_out import Families, without

from rag_demo.chat.confidence import NAMES, is_ruled, signs
from rag_demo.chat.evidence import weights_of
from rag_demo.configurations import golden_path
from rag_demo.evaluate.cases import Case, choose, read_cases
from rag_demo.evaluate.plan import Plan
from rag_demo.evaluate.run import FUSED, ranks_of
from rag_demo.evaluating import Request, opened_plans
from rag_demo.index.ports import Where
from rag_demo.retrieve.search import Found, Retriever
from rag_demo.settings import read_settings

_MOST = 600
_FROM_ELSEWHERE = 40
_STEPS = 60
_DECAY = 3e-3
_FEW = 15
# What is answered, and what is not: without an answer, taken out, known items of other configurations.
_WORTH = {
    "golden": {"answered": 2.0, "none": 1.0},
    "people's": {"answered": 1.0, "none": 1.0},
    "known items": {"answered": 1.0, "taken out": 0.1, "elsewhere": 0.05},
}
_OF_PEOPLE = ("golden", "people's")
_LIMITS = np.arange(0.005, 0.1, 0.005)
Floats = np.ndarray
Group = tuple[str, str, str]  # configuration, set, sort
Groups = dict[Group, Floats]


def main() -> None:
    options = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    options.add_argument("dumps", metavar="DUMP[=FILE]", nargs="*")
    options.add_argument("--asked", metavar="FILE[=DUMP]", nargs="*", default=[])
    options.add_argument("--out", type=Path, required=True)
    given = options.parse_args()
    asked: Mapping[str, list[str]] = {}
    rows: dict[Group, list[Sequence[float]]] = defaultdict(list)
    for dump in ("", *given.dumps):  # the questions of the others are needed before any of them is asked
        asked = {**asked, dump: _known(dump)}
    for dump in asked:
        foreign = [text for other, texts in asked.items() if other != dump for text in texts[:_FROM_ELSEWHERE]]
        for group, found in collect(dump, foreign):
            rows[group].append(found)
    for file in given.asked:
        for group, found in of_people(file):
            rows[group].append(found)
    print({"/".join(group): len(found) for group, found in rows.items()}, flush=True)
    groups = {group: np.array(found) for group, found in rows.items()}
    limit = best_limit(groups)
    print(f"refused at most on average: {limit:.1%}")
    for group, refused in elsewhere(groups, limit).items():
        tell("fitted without it", group, refused, len(groups[group]))
    weights, bias = fit(groups)
    bias -= threshold(groups, weights, bias, limit)
    for group, found in groups.items():
        tell("fitted", group, float((found @ weights + bias < 0).mean()), len(found))
    table = {"weights": dict(zip(NAMES, map(_rounded, weights), strict=True)), "bias": _rounded(bias)}
    given.out.write_text(json.dumps(table, indent=1) + "\n", encoding="utf-8")
    print(f"wrote {given.out}")


def collect(dump: str, foreign: Sequence[str]) -> Iterator[tuple[Group, Sequence[float]]]:
    """The signs of each tune question that no rule decides on, with the group that it belongs to."""
    for plan, where, retriever in opened_plans(_request(dump), read_settings()):
        golden = plan.name == "full"
        name = "golden" if golden else "known items"
        families = Families(plan.ingested.documents)
        for case in _cases(plan):
            for sort, found in _asked(case, where, retriever, families):
                yield from _row((dump, "golden" if not case.gold else name, sort), found)
        for text in foreign if not golden else ():
            yield from _row((dump, name, "elsewhere"), retriever.search(text, TOP_K, where=where))


def of_people(file: str) -> Iterator[tuple[Group, Sequence[float]]]:
    """The same of the questions in a file."""
    for case, found, is_found in ask(file, "tune"):
        if is_found or not case.gold:
            yield from _row((file.partition("=")[2], "people's", "answered" if is_found else "none"), found)


def _asked(case: Case, where: Where, retriever: Retriever, families: Families) -> Iterator[tuple[str, Found]]:
    found = retriever.search(case.question, TOP_K, where=where)
    if not case.gold:
        yield "none", found
    elif any(rank is not None for rank in ranks_of(case, found.hits)[FUSED]):
        yield "answered", found
        with without(retriever, families, case.gold[0]) as is_out:
            if is_out:
                yield "taken out", retriever.search(case.question, TOP_K, where=where)


def _row(group: Group, found: Found) -> Iterator[tuple[Group, Sequence[float]]]:
    weights = weights_of(found)
    if found.hits and not found.listed and not is_ruled(found.hits, weights):
        yield group, signs(found.hits, weights)


def fit(groups: Groups) -> tuple[Floats, float]:
    """Logistic regression by Newton's method, signs as they come; weights ``(len(NAMES),)`` and what is added."""
    used = [(group, _WORTH[group[1]].get(group[2], 0.0)) for group in groups]
    used = [(group, worth) for group, worth in used if worth]
    table = np.concatenate([groups[group] for group, _ in used])
    answered = np.concatenate([np.full(len(groups[group]), group[2] == "answered", float) for group, _ in used])
    worth = np.concatenate([value * _shares(groups[group]) for group, value in used])
    worth /= worth.sum()
    centre, spread = table.mean(axis=0), table.std(axis=0) + 1e-9
    rows = np.c_[np.ones(len(table)), (table - centre) / spread]
    decay = np.diag([1e-9, *[_DECAY] * len(NAMES)])
    found = np.zeros(rows.shape[1])
    for _ in range(_STEPS):
        sure = 1 / (1 + np.exp(-rows @ found))
        slope = rows.T @ (worth * (sure - answered)) + decay @ found
        found -= np.linalg.solve((rows.T * (worth * sure * (1 - sure))) @ rows + decay, slope)
    weights = found[1:] / spread
    return weights, float(found[0] - weights @ centre)


def threshold(groups: Groups, weights: Floats, bias: float, limit: float) -> float:
    """The largest sum at which the groups that are to be answered are refused no more than they may be on average."""
    answered = [found @ weights + bias for group, found in groups.items() if group[2] == "answered"]
    sums = np.concatenate(answered)
    share = np.concatenate([_shares(found) for found in answered])
    order = np.argsort(sums)
    return float(sums[order][np.searchsorted(np.cumsum(share[order]) / share.sum(), limit)])


def _shares(found: Floats) -> Floats:
    return np.full(len(found), 1 / max(len(found), _FEW))


def best_limit(groups: Groups) -> float:
    """The limit by which people's questions are told apart best."""

    def refused(shares: Mapping[Group, float], sort: str) -> float:
        these = [group for group in shares if group[1] in _OF_PEOPLE and group[2] == sort]
        counts = [len(groups[group]) for group in these]
        return float(np.average([shares[group] for group in these], weights=counts))

    def difference(limit: float) -> float:
        shares = elsewhere(groups, limit)
        return refused(shares, "none") - refused(shares, "answered")

    return float(max(_LIMITS, key=difference))


def elsewhere(groups: Groups, limit: float) -> dict[Group, float]:
    """The share of each group that is refused by weights and a threshold fitted without its configuration."""
    shares = {}
    for name in dict.fromkeys(group[0] for group in groups):
        others = {group: found for group, found in groups.items() if group[0] != name}
        weights, bias = fit(others)
        least = threshold(others, weights, bias, limit)
        for group, found in groups.items():
            if group[0] == name:
                shares[group] = float((found @ weights + bias < least).mean())
    return shares


def tell(how: str, group: Group, refused: float, count: int) -> None:
    """One line of what is printed."""
    print(f"{how}: {group[0] or 'bundled configuration'}, {group[1]}, {group[2]}: of {count} refused {refused:.1%}")


def _known(dump: str) -> list[str]:
    plans = opened_plans(replace(_request(dump), parts=("removed",)), read_settings())
    return [case.question for plan, *_ in plans for case in _answerable(plan)]


def _answerable(plan: Plan) -> list[Case]:
    return [case for case in choose(plan.answered, "tune") if case.kind == "answerable"]


def _cases(plan: Plan) -> list[Case]:
    """Of the whole index the golden questions, of the other one the known items and the golden ones without answer."""
    if plan.name == "full":
        own = {case.case_id for case in read_cases(golden_path())}
        return [case for case in choose(plan.searched, "tune") if case.case_id in own]
    return [case for case in choose(plan.answered, "tune") if case.kind in {"answerable", "unanswerable"}]


def _request(dump: str) -> Request:
    folder, _, only = dump.partition("=")
    parts = ("removed",) if folder else ("full", "removed")
    return Request(Path(folder) if folder else None, only=Path(only) if only else None, parts=parts, most=_MOST)


def _rounded(value: float) -> float:
    return round(float(value), 4)


if __name__ == "__main__":
    main()
