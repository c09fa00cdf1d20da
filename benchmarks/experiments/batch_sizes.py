"""Throughput and p95 for calls of 8 to 128 texts, 10,000 texts each, beside sentence-transformers.

Each size asks for all texts in calls of that many, one after the other, and times every call; caches are off.
sentence-transformers gets the same calls with the same batch size, for ``--peer-texts`` of the texts: it is slower.

Run ``python benchmarks/experiments/batch_sizes.py [--json docs/results/batch_sizes.json]``; a chart goes beside it.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from charts import Axes, line_chart
from common import arguments, mixed_texts, percentile, report
from sentence_transformers import SentenceTransformer

from hybrid_embeddings import EmbeddingService

SIZES = (8, 16, 32, 64, 128)
TARGETS_MS = {"p50": 20.0, "p95": 100.0, "p99": 200.0}
Encode = Callable[[list[str], int], Any]


def calls_of(texts: list[str], size: int, encode: Encode) -> dict[str, float]:
    """Ask for all texts in calls of ``size``; texts per second and milliseconds of a call."""
    seconds = []
    for start in range(0, len(texts), size):
        began = time.perf_counter()
        encode(texts[start : start + size], size)
        seconds.append(time.perf_counter() - began)
    spread = {name: round(1000 * percentile(seconds, float(name[1:]) / 100), 2) for name in TARGETS_MS}
    return {"texts_per_s": round(len(texts) / sum(seconds), 1), **{f"{name}_ms": ms for name, ms in spread.items()}}


def measured(ours: EmbeddingService, theirs: SentenceTransformer, texts: list[str], n_peer: int) -> dict[str, Any]:
    """Every size, both sides in turn."""
    sizes: dict[str, Any] = {}
    for size in SIZES:
        ours.encode(texts[:size])
        theirs.encode(texts[:size], batch_size=size)
        mine = calls_of(texts, size, lambda part, _: ours.encode(part))
        peer = calls_of(texts[:n_peer], size, lambda part, rows: theirs.encode(part, batch_size=rows))
        ratio = round(mine["texts_per_s"] / peer["texts_per_s"], 2)
        sizes[str(size)] = {"hybrid-embeddings": mine, "sentence-transformers": peer, "ratio": ratio}
    return sizes


def plot(sizes: dict[str, Any], path: Path) -> None:
    """Throughput and p95 over the size of a call."""
    for figure, caption in (("texts_per_s", "texts per second"), ("p95_ms", "p95 of a call, ms")):
        series = {
            side: [(float(size), row[side][figure]) for size, row in sizes.items()]
            for side in ("hybrid-embeddings", "sentence-transformers")
        }
        axes = Axes(f"10,000 short texts: {caption}", "texts in a call", caption, SIZES, doubling=True)
        line_chart(path.with_name(f"{path.stem}_{figure}.svg"), axes, series)


def main() -> None:
    """Measure, report, draw."""
    options = arguments("Calls of 8 to 128 texts.", texts=10_000, peer_texts=1_000, shortest=4, longest=12)
    texts = mixed_texts(options.texts, shortest=options.shortest, longest=options.longest)
    with EmbeddingService() as ours:
        theirs = SentenceTransformer(str(ours.model.directory), device="cpu")
        sizes = measured(ours, theirs, texts, min(options.peer_texts, options.texts))
    words = [options.shortest, options.longest]
    report({"texts": len(texts), "words": words, "targets_ms": TARGETS_MS, "sizes": sizes}, options.json)
    if options.json:
        plot(sizes, options.json)


if __name__ == "__main__":
    main()
