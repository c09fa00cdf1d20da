"""What a model costs that is trained on a configuration, and what it finds there.

    python benchmarks/adapt.py [--dump DUMP] [--only PATHS] [--first N] [--split test] [--json RESULT.json]

Questions are sentences of doc comments; see `rag_demo.evaluate`. The model is trained on the whole dump without the
comments that are asked for and those alike; it is asked on the passages of the files listed in PATHS (one a line,
relative to the dump), or on all. ``--first N`` takes only the first N methods of the dump, as a small configuration.
Beside it stand BM25, what one byte per number costs, and the same training a second time.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
from common import report

from hybrid_embeddings import EmbeddingService
from rag_demo.adapt import Adapted, FieldEmbedder, adapt, layered_passage
from rag_demo.adapt.model import load
from rag_demo.configurations import bundled
from rag_demo.evaluate.baselines import baselines
from rag_demo.evaluate.cases import Case, choose
from rag_demo.evaluate.golden_sets import known_items
from rag_demo.evaluate.leakage import indexed_variant, training_variant, withheld
from rag_demo.evaluate.measure import estimate
from rag_demo.evaluate.run import ranks_of
from rag_demo.ingest import read_configuration
from rag_demo.types import Document, Hit

Floats = npt.NDArray[np.float32]
_DEPTH = 200


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--dump", type=Path, default=bundled(), help="default: the bundled configuration")
    parser.add_argument("--only", type=Path, help="file with the paths that are searched")
    parser.add_argument("--first", type=int, help="only so many methods of the dump")
    parser.add_argument("--split", choices=("tune", "test"), help="questions; default: all")
    parser.add_argument("--once", action="store_true", help="do not train a second time")
    parser.add_argument("--json", type=Path, help="write the result here")
    return parser.parse_args()


def small(documents: Sequence[Document], methods: int | None) -> list[Document]:
    if methods is None:
        return list(documents)
    places = [number for number, document in enumerate(documents) if document.doc_type == "method"]
    return list(documents[: [*places, len(documents)][min(methods, len(places))]])


def rates(cases: Sequence[Case], search: Callable[[str], list[Hit]]) -> dict[str, list[float]]:
    found = [min((r for r in ranks_of(case, search(case.question))["fused"] if r), default=None) for case in cases]
    groups = [".".join(case.gold[0].split(".")[:2]) for case in cases]
    figures = {}
    for k in (1, 10, 50):
        values = [float(rank is not None and rank <= k) for rank in found]
        figures[f"hit@{k}"] = [round(value, 4) for value in estimate(values, groups)]
    return figures


def by_vectors(vectors: Floats, methods: Sequence[Document], encode: Callable[[str], Floats]) -> Callable:
    def search(question: str) -> list[Hit]:
        scores = vectors @ encode(question)
        best: dict[str, Hit] = {}
        for place in np.argsort(-scores, kind="stable")[:_DEPTH]:
            best.setdefault(methods[place].full_name, Hit(methods[place], float(scores[place])))
        return list(best.values())

    return search


def as_bytes(vectors: Floats) -> Floats:
    scale = np.maximum(np.abs(vectors).max(axis=1, keepdims=True), 1e-12) / 127
    return (np.round(vectors / scale).astype(np.int8) * scale).astype(np.float32)


def trained(documents: Sequence[Document], folder: Path, excluded: Callable[[str], bool]) -> tuple[Adapted, float]:
    started = time.perf_counter()
    return adapt(documents, folder, excluded=excluded), time.perf_counter() - started


def main() -> None:
    options = arguments()
    documents = small(read_configuration(options.dump, space_id="benchmark").documents, options.first)
    listed = options.only.read_text(encoding="utf-8").split("\n") if options.only else None
    paths = {line.strip().removeprefix("src/cf/") for line in listed} if listed else None
    searched = [document for document in documents if paths is None or document.path in paths]
    cases = known_items(searched)
    excluded = withheld(searched, cases)
    seen = training_variant(documents, excluded)
    asked = choose(cases, options.split) if options.split else cases
    methods = [document for document in indexed_variant(searched) if document.doc_type == "method"]
    with tempfile.TemporaryDirectory() as folder:
        # Timed without exclusion: comparing every line with the evaluated comments is work of the evaluation alone.
        free, seconds = trained(documents, Path(folder) / "free", lambda _: False)
        again = free if options.once else trained(documents, Path(folder) / "again", lambda _: False)[0]
        same = bool(np.array_equal(load(free.folder)[1], load(again.folder)[1]))
        model, _ = trained(seen, Path(folder) / "model", excluded)
        size = sum(file.stat().st_size for file in model.folder.rglob("*") if file.is_file())
        with EmbeddingService(str(model.folder)) as service:
            embedder = FieldEmbedder(service, name="adapted")
            started = time.perf_counter()
            vectors = embedder.encode_documents([layered_passage(document) for document in methods])
            encode_s = time.perf_counter() - started
            figures = {
                "adapted": rates(asked, by_vectors(vectors, methods, embedder.encode_query)),
                "adapted, one byte per number": rates(
                    asked, by_vectors(as_bytes(vectors), methods, embedder.encode_query)
                ),
                **{name: rates(asked, search) for name, search in baselines(methods).items()},
            }
    result = {
        "methods": sum(document.doc_type == "method" for document in documents),
        "searched": len(methods),
        "questions": len(asked),
        "split": options.split or "all",
        "train_s": round(seconds, 1),
        "same_vectors_again": None if options.once else same,
        "encode_per_s": round(len(methods) / encode_s),
        "model_mb": round(size / 1e6, 1),
        "record": model.record,
        "found": figures,  # mean, lower and upper bound of the 95 % interval
    }
    report(result, options.json)


if __name__ == "__main__":
    main()
