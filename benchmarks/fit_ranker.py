"""Fits the weights of the learned ranker on the tune questions of the given dumps and writes them as JSON.

    python benchmarks/fit_ranker.py DIR [DIR …] --out rag_demo/retrieve/ranker.json

The bundled configuration is always among them: it alone has questions in the words of users. Indexes are those of
``rag-demo eval`` (same settings, same folder), so evaluate first. Loss: cross-entropy of the golds among the
candidates of a question (softmax over the list; Cao et al., ListNet, ICML 2007), each kind of question with its own
weight, and no dump but the bundled one with more than `_MOST_WORTH`, so that thousands of known-item questions do not
drown a hundred of users'.
"""

from __future__ import annotations

import argparse
import contextlib
import json
from pathlib import Path

import numpy as np
import torch

from rag_demo.evaluate.cases import Case, choose
from rag_demo.evaluating import Request, opened_plans
from rag_demo.retrieve.features import NAMES
from rag_demo.settings import read_settings

_EPOCHS = 60
_DECAY = 1e-2
# Questions in the words of users are what counts, and there are few of them.
_WORTH = {"known-item": 1.0, "identifier": 0.5, "fact": 0.5, "own": 3.0}
_MOST = 1_500
_MOST_WORTH = 450.0
Row = tuple[np.ndarray, np.ndarray, float]


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    options.add_argument("dirs", metavar="DIR", nargs="*", type=Path)
    options.add_argument("--out", type=Path, required=True)
    given = options.parse_args()
    rows = [row for folder in (None, *given.dirs) for row in collect(folder)]
    everything = np.concatenate([features for features, _, _ in rows])
    spread = everything.std(axis=0)
    spread[spread < 1e-6] = np.inf  # what never differs weighs nothing
    tables = {
        "soft": fit(rows, spread, list(range(len(NAMES)))),
        "plain": fit(rows, spread, [place for place, name in enumerate(NAMES) if not name.startswith("soft")]),
    }
    given.out.write_text(json.dumps(tables, indent=1) + "\n", encoding="utf-8")
    print(f"{len(rows)} questions; wrote {given.out}")


def collect(folder: Path | None) -> list[Row]:
    """Features, golds and worth of the tune questions of one dump whose answer is among the candidates."""
    rows: list[Row] = []
    request = Request(folder, parts=("full", "bare") if folder is None else ("bare",), most=_MOST)
    for plan, where, retriever in opened_plans(request, read_settings()):
        cases = choose(plan.searched, "tune")
        kinds = [_sort(case) for case in cases]
        for case, kind in zip(cases, kinds, strict=True):
            names, features = retriever.candidates(case.question, where=where)
            gold = np.array([name in case.gold for name in names])
            if gold.any() and not gold.all():
                rows.append((features, gold, _WORTH[kind]))
    print(f"{folder or 'bundled'}: {len(rows)} questions", flush=True)
    share = 1.0 if folder is None or not rows else min(1.0, _MOST_WORTH / sum(worth for _, _, worth in rows))
    return [(features, gold, worth * share) for features, gold, worth in rows]


def fit(rows: list[Row], spread: np.ndarray, columns: list[int]) -> dict[str, float]:
    """Weights of the given columns by name, of features as they come."""
    torch.manual_seed(0)
    longest = max(len(features) for features, _, _ in rows)
    features = torch.zeros(len(rows), longest, len(columns))
    there, gold = torch.zeros(2, len(rows), longest, dtype=torch.bool)
    for number, (values, golds, _) in enumerate(rows):
        features[number, : len(values)] = torch.tensor(values[:, columns] / spread[columns])
        there[number, : len(values)] = True
        gold[number, : len(values)] = torch.tensor(golds)
    worth = torch.tensor([value for _, _, value in rows])
    weights = torch.zeros(len(columns), requires_grad=True)
    optimiser = torch.optim.LBFGS([weights], max_iter=_EPOCHS, line_search_fn="strong_wolfe")

    def loss() -> torch.Tensor:
        optimiser.zero_grad()
        scores = (features @ weights).masked_fill(~there, -1e9)
        missed = torch.logsumexp(scores, 1) - torch.logsumexp(scores.masked_fill(~gold, -1e9), 1)
        total = (missed * worth).sum() / worth.sum() + _DECAY * (weights**2).sum()
        total.backward()
        return total

    optimiser.step(loss)
    found = weights.detach().numpy() / spread[columns]
    return {NAMES[column]: round(float(value), 4) for column, value in zip(columns, found, strict=True) if value}


def _sort(case: Case) -> str:
    return "fact" if case.kind.startswith("fact") else case.kind if case.kind in _WORTH else "own"


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        main()
