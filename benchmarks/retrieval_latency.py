"""Time of one search, all legs, over an index that is there: tantivy or Whoosh, whichever made it.

    rag-demo index DIR --space NAME            # LEXICAL_BACKEND=whoosh for the other engine
    python benchmarks/retrieval_latency.py --space NAME [--questions N] [--json FILE]

Questions are the known items of the space's own dump, warm: each is asked once before the clock runs.
"""

from __future__ import annotations

import argparse
import time
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
    questions = [case.question for case in sample(known_items(documents), given.questions)]
    engine = "tantivy" if (folder / "lexical" / "meta.json").is_file() else "whoosh"
    where = Where((given.space,))
    with wiring.open_retriever((given.space,), embedder=_model_of, settings=settings) as retriever:
        for question in questions:
            retriever.search(question, _SOURCES, where=where)
        times: dict[str, list[float]] = {"all": []}
        for question in questions:
            started = time.perf_counter()
            found = retriever.search(question, _SOURCES, where=where)
            times["all"].append((time.perf_counter() - started) * 1e3)
            for leg, elapsed_ms in found.timings_ms.items():
                times.setdefault(leg, []).append(elapsed_ms)
    result = {
        leg: {f"p{share}_ms": round(float(np.percentile(values, share)), 2) for share in (50, 95, 99)}
        for leg, values in times.items()
    }
    for leg, values in result.items():
        print(f"{leg:<10}", "  ".join(f"{name} {value:8.2f}" for name, value in values.items()))
    about = {"engine": engine, "documents": len(documents), "questions": len(questions)}
    report({**about, "legs": result}, given.json)


def _model_of(manifest: Manifest, folder: Path) -> Embedder:
    if manifest.model_folder:
        return open_adapted(folder / manifest.model_folder)
    return wiring.build_embedder(manifest.model_choice or None)


if __name__ == "__main__":
    main()
