"""``embed_iter`` over a million short texts with a static model: does memory grow, and how fast is it?

Resident memory over that of the loaded model at each tenth, texts per second, and ``encode`` against
``SentenceTransformer.encode`` of the same static model.

Run ``python benchmarks/memory.py [--texts 1000000] [--encode-texts 50000] [--json FILE]``. Linux only.
"""

from __future__ import annotations

import multiprocessing
import os
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from common import arguments, in_turn, median, mixed_texts, report
from sentence_transformers import SentenceTransformer
from tokenizers import Tokenizer

from hybrid_embeddings import EmbeddingService

try:  # sentence-transformers 6
    from sentence_transformers.sentence_transformer import modules
except ImportError:  # sentence-transformers 5
    from sentence_transformers import models as modules

DIMENSION = 256
LIMIT_MB = 300


def static_model(folder: Path) -> None:
    """Save a static embedding with random weights over the tokenizer of the default model, and prepare it."""
    with EmbeddingService() as service:
        tokenizer = Tokenizer.from_file(str(service.model.directory / "tokenizer.json"))
    weights = np.random.default_rng(3).normal(size=(tokenizer.get_vocab_size(), DIMENSION)).astype(np.float32)
    parts = [modules.StaticEmbedding(tokenizer, embedding_weights=weights), modules.Normalize()]
    SentenceTransformer(modules=parts, device="cpu").save(str(folder))
    EmbeddingService(str(folder)).load().close()


def short_texts(count: int) -> Iterator[str]:
    """Yield texts of 4 to 20 words and a number, no two alike."""
    texts = mixed_texts(1000, shortest=4, longest=20)
    return (f"{texts[number % len(texts)]} {number}" for number in range(count))


def resident_mb() -> float:
    """Return the memory that this process holds now."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def streamed(service: EmbeddingService, count: int) -> dict[str, Any]:
    """Read a stream of vectors to its end and look at the memory at each tenth."""
    for _ in service.embed_iter(short_texts(min(count, 100))):
        pass
    base_mb, tenths = resident_mb(), []
    started = time.perf_counter()
    for number, _ in enumerate(service.embed_iter(short_texts(count)), start=1):
        if number % max(count // 10, 1) == 0:
            tenths.append(round(resident_mb() - base_mb, 1))
    return {
        "texts": count,
        "texts_per_s": round(count / (time.perf_counter() - started)),
        "loaded_mb": round(base_mb, 1),
        "over_loaded_mb": tenths,
        "largest_mb": max(tenths),
        "limit_mb": LIMIT_MB,
        "growth_mb": round(tenths[-1] - tenths[0], 1),
    }


def encoded(service: EmbeddingService, directory: Path, count: int, rounds: int) -> dict[str, Any]:
    """Compare ``encode`` with sentence-transformers on the same static model."""
    texts = list(short_texts(count))
    theirs = SentenceTransformer(str(directory), device="cpu")
    seconds = in_turn(
        {"sentence-transformers": lambda: theirs.encode(texts), "hybrid-embeddings": lambda: service.encode(texts)},
        rounds=rounds,
    )
    speeds = {name: round(count / median(times)) for name, times in seconds.items()}
    return {
        "texts": count,
        "texts_per_s": speeds,
        "ratio": round(speeds["hybrid-embeddings"] / speeds["sentence-transformers"], 2),
    }


def main() -> None:
    """Measure and report."""
    options = arguments("Memory and speed of static models.", texts=1_000_000, encode_texts=50_000, rounds=3)
    with tempfile.TemporaryDirectory() as folder:
        directory = Path(folder) / "static"
        os.environ["EMBEDDING_MODEL_CACHE_DIR"] = str(Path(folder) / "prepared")
        # In a process of its own, so that memory freed afterwards does not hide growth.
        with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as apart:
            apart.submit(static_model, directory).result()
        with EmbeddingService(str(directory)) as service:
            service.load()
            result = {
                "stream": streamed(service, options.texts),
                "encode": encoded(service, directory, options.encode_texts, options.rounds),
            }
    report(result, options.json)


if __name__ == "__main__":
    main()
