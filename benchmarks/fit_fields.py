"""What a match in each field of the word search should be worth: figures on tune questions for a grid of boosts.

    python benchmarks/fit_fields.py [--dump DUMP] [--only PATHS] [--most N]

Scores are sums over the fields of BM25 times the boost of the field, as in both word engines; here in memory, so that
all boosts are tried in one pass. Of the bundled configuration the questions of ``golden.yaml`` are asked of everything;
of any dump known items are asked among methods without comments, where only ``name`` and ``body`` differ.
"""

from __future__ import annotations

import argparse
import itertools
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from rag_demo.configurations import bundled, golden_path
from rag_demo.evaluate.baselines import Bm25
from rag_demo.evaluate.cases import Case, choose, read_cases
from rag_demo.evaluate.golden_sets import known_items, sample
from rag_demo.evaluate.leakage import indexed_variant
from rag_demo.evaluate.run import answers
from rag_demo.evaluating import Request, read
from rag_demo.index.fields import BOOSTS, field_terms
from rag_demo.retrieve.query import analyse_question
from rag_demo.types import Document

_NAME = (0.75, 1.0, 1.5, 2.0, 3.0)
_OTHERS = (1.0, 1.5, 2.0, 3.0)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    options.add_argument("--dump", type=Path, help="default: the bundled configuration")
    options.add_argument("--only", type=Path, help="file with the paths that are searched")
    options.add_argument("--most", type=int, default=1_000, help="questions")
    given = options.parse_args()
    ingested, _ = read(given.dump or bundled(), Request(given.dump, only=given.only))
    known = sample(choose(known_items(ingested.documents), "tune"), given.most)
    methods = [document for document in indexed_variant(ingested.documents) if document.doc_type == "method"]
    tell("known items", methods, known, [BOOSTS | {"name": worth} for worth in _NAME])
    if given.dump is None:
        own = [case for case in choose(read_cases(golden_path()), "tune") if case.gold]
        grid = itertools.product(_NAME, _OTHERS, _OTHERS)
        boosts = [{"name": name, "synonym": synonym, "doc": doc, "body": 1.0} for name, synonym, doc in grid]
        tell("golden questions", ingested.documents, own, [BOOSTS, *boosts])


def tell(what: str, documents: Sequence[Document], cases: Sequence[Case], grid: Sequence[dict[str, float]]) -> None:
    """Print the figures of all boosts, the best mean reciprocal rank first."""
    ranks = np.array(list(ranked(documents, cases, grid)))
    print(f"{what}: {len(cases)} tune questions, {len(documents)} documents; boosts now {BOOSTS}")
    for place in np.argsort(-(1 / ranks).mean(axis=0), kind="stable")[:12]:
        one = ranks[:, place]
        rates = " ".join(f"hit@{k} {np.mean(one <= k):.3f}" for k in (1, 5, 10, 100))
        print(f"  mrr {np.mean(1 / one):.4f} {rates}  {grid[place]}")


def ranked(
    documents: Sequence[Document], cases: Sequence[Case], grid: Sequence[dict[str, float]]
) -> Iterator[list[float]]:
    """Of each question the rank of its first answer under each of the boosts; infinite where nothing is found."""
    counted = [field_terms(document) for document in documents]
    searches = {name: Bm25([list(Counter.elements(fields[name])) for fields in counted]) for name in BOOSTS}
    for case in cases:
        asked = analyse_question(case.question).terms
        found = {name: search.scores(asked) for name, search in searches.items()}
        gold = [any(answers(document, case, one) for one in case.gold) for document in documents]
        totals = [np.sum([worth * found[name] for name, worth in boosts.items()], axis=0) for boosts in grid]
        best = [total[gold].max(initial=0.0) for total in totals]
        yield [
            float((total >= least).sum()) if least > 0 else np.inf for total, least in zip(totals, best, strict=True)
        ]


if __name__ == "__main__":
    main()
