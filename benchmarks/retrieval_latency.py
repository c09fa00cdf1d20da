"""Time of one search, all legs, over an index that is there: tantivy or Whoosh, whichever made it.

    rag-demo index DIR --space NAME            # LEXICAL_BACKEND=whoosh for the other engine
    python benchmarks/retrieval_latency.py --space NAME [--questions N] [--json FILE]

Questions are the known items of the space's own dump. Half of them are asked before the clock runs; then the others
are asked, for the first time («new»), and once more («again»).
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import numpy as np
from common import report

from rag_demo import wiring
from rag_demo.adapt_wiring import open_adapted
from rag_demo.evaluate.golden_sets import known_items, sample
from rag_demo.index.ports import Where
from rag_demo.index.store import Manifest, SpaceStore
from rag_demo.ingest import read_configuration
from rag_demo.ports import Embedder
from rag_demo.retrieve.search import Found
from rag_demo.settings import read_settings

_SOURCES = 5


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    options.add_argument("--space", required=True)
    options.add_argument("--questions", type=int, default=200)
    options.add_argument("--json", type=Path)
    given = options.parse_args()
    settings = read_settings()
    manifest, folder = SpaceStore(settings.data_path).require(given.space)
    documents = read_configuration(Path(manifest.source), space_id=given.space).documents
    asked = [case.question for case in sample(known_items(documents), 2 * given.questions)]
    questions, others = asked[::2], asked[1::2]
    engine = "tantivy" if (folder / "lexical" / "meta.json").is_file() else "whoosh"
    where = Where((given.space,))
    with wiring.open_retriever((given.space,), embedder=_model_of, settings=settings) as retriever:
        ask = partial(retriever.search, limit=_SOURCES, where=where)
        _times(others, ask)
        result = {name: _times(questions, ask) for name in ("new", "again")}
    for name, legs in result.items():
        for leg, values in legs.items():
            print(f"{name:<6}{leg:<10}", "  ".join(f"{share} {value:8.2f}" for share, value in values.items()))
    about = {"engine": engine, "documents": len(documents), "questions": len(questions)}
    report({**about, "candidates": settings.candidates, "legs": result["new"], "again": result["again"]}, given.json)


def _times(questions: Sequence[str], ask: Callable[[str], Found]) -> dict[str, dict[str, float]]:
    """Percentiles of the time of all questions, in all and by leg, milliseconds."""
    times: dict[str, list[float]] = {"all": []}
    for question in questions:
        started = time.perf_counter()
        found = ask(question)
        times["all"].append((time.perf_counter() - started) * 1e3)
        for leg, elapsed_ms in found.timings_ms.items():
            times.setdefault(leg, []).append(elapsed_ms)
    return {
        leg: {f"p{share}_ms": round(float(np.percentile(values, share)), 2) for share in (50, 95, 99)}
        for leg, values in times.items()
    }


def _model_of(manifest: Manifest, folder: Path) -> Embedder:
    if manifest.model_folder:
        return open_adapted(folder / manifest.model_folder)
    return wiring.build_embedder(manifest.model_choice or None)


if __name__ == "__main__":
    main()
