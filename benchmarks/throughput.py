"""HybridEmbeddings.embed_documents against SentenceTransformer.encode: same weights, same texts, in turn.

Run ``python benchmarks/throughput.py [--texts 1000] [--rounds 3] [--json docs/results/throughput.json]``.
"""

from __future__ import annotations

import numpy as np
from common import arguments, in_turn, latencies, median, mixed_texts, report
from sentence_transformers import SentenceTransformer

from langchain_hybrid_embeddings import HybridEmbeddings

QUERY = "Which report shows the stock of a warehouse?"


def padding(engine: HybridEmbeddings) -> float:
    """Return the share of computed tokens that were padding."""
    return float(engine.service.explain()["lanes"]["cpu"]["padding"])


def padding_of_fixed_batches(theirs: SentenceTransformer, texts: list[str], rows: int = 32) -> float:
    """Return the share of padding in batches of ``rows`` texts in input order, as most programs make them."""
    found = theirs.tokenizer(texts, truncation=True, max_length=theirs.max_seq_length)["input_ids"]
    lengths = [len(ids) for ids in found]
    batches = [lengths[start : start + rows] for start in range(0, len(lengths), rows)]
    return 1 - sum(lengths) / sum(len(batch) * max(batch) for batch in batches)


def main() -> None:
    """Measure bulk throughput and the latency of a single query, and compare the vectors."""
    options = arguments("Throughput and latency against sentence-transformers.", texts=1000, rounds=3, query_rounds=10)
    texts = mixed_texts(options.texts)
    ours = {precision: HybridEmbeddings(precision=precision) for precision in ("fast", "exact")}
    theirs = SentenceTransformer(str(ours["fast"].service.model.directory), device="cpu")
    vectors = {name: np.array(engine.embed_documents(texts[:100])) for name, engine in ours.items()}
    expected = theirs.encode(texts[:100], batch_size=32).astype(np.float64)
    bulk = in_turn(
        {
            "sentence-transformers": lambda: theirs.encode(texts, batch_size=32),
            "fast": lambda: ours["fast"].embed_documents(texts),
            "exact": lambda: ours["exact"].embed_documents(texts),
        },
        rounds=options.rounds,
    )
    single = latencies(
        {
            "sentence-transformers": lambda: theirs.encode(QUERY),
            "fast": lambda: ours["fast"].embed_query(QUERY),
            "exact": lambda: ours["exact"].embed_query(QUERY),
        },
        rounds=options.query_rounds,
    )
    base_bulk, base_single = (median(times["sentence-transformers"]) for times in (bulk, single))
    result = {
        "texts": len(texts),
        "texts_per_s": {name: round(len(texts) / median(times), 1) for name, times in bulk.items()},
        "bulk_ratio": {name: round(base_bulk / median(bulk[name]), 2) for name in ours},
        "query_ms": {name: round(1000 * median(times), 2) for name, times in single.items()},
        "query_ratio": {name: round(base_single / median(single[name]), 2) for name in ours},
        "largest_1_minus_cosine": {
            name: float(f"{np.max(1 - np.einsum('ij,ij->i', found, expected)):.1e}") for name, found in vectors.items()
        },
        "padding": {name: round(padding(engine), 4) for name, engine in ours.items()},
        "padding_of_fixed_batches": round(padding_of_fixed_batches(theirs, texts), 4),
    }
    report(result, options.json)


if __name__ == "__main__":
    main()
