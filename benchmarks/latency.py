"""How long callers wait: single queries, 32 threads, 256 open asyncio calls, queries beside a bulk call, mixed load.

The peer is one SentenceTransformer object that all callers share, as a plain web server would do. Every text is
different, so that nothing is shared between calls.

Run ``python benchmarks/latency.py [--threads 32] [--open-calls 256] [--mixed-s 30] [--json FILE]``.
"""

from __future__ import annotations

import argparse
import asyncio
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from common import Questions, arguments, in_turn, latencies, mixed_texts, report, spread_ms
from mixed import mixed
from sentence_transformers import SentenceTransformer

from hybrid_embeddings import EmbeddingService

Encode = Callable[[str], object]


def versus(ours: dict[str, float], theirs: dict[str, float]) -> dict[str, Any]:
    """Put both sides and their ratio (above 1: ours is better) together."""
    ratio = {
        name: round(ours[name] / theirs[name] if name.endswith("_per_s") else theirs[name] / ours[name], 2)
        for name in ours
    }
    return {"hybrid-embeddings": ours, "sentence-transformers": theirs, "ratio": ratio}


def timed(encode: Encode, text: str) -> float:
    """Return the seconds of one call."""
    started = time.perf_counter()
    encode(text)
    return time.perf_counter() - started


def single(contestants: dict[str, Encode], questions: Questions, rounds: int) -> dict[str, Any]:
    """One caller, one query after the other."""
    calls = {name: lambda encode=encode: encode(questions.next()) for name, encode in contestants.items()}
    seconds = latencies(calls, rounds=rounds)
    return versus(spread_ms(seconds["ours"]), spread_ms(seconds["theirs"]))


def threaded(encode: Encode, questions: Questions, *, n_threads: int, calls_per_thread: int) -> dict[str, float]:
    """Callers on threads, each with one query after the other."""

    def caller(_: int) -> list[float]:
        return [timed(encode, questions.next()) for _ in range(calls_per_thread)]

    started = time.perf_counter()
    with ThreadPoolExecutor(n_threads) as pool:
        seconds = [value for part in pool.map(caller, range(n_threads)) for value in part]
    return {"queries_per_s": round(len(seconds) / (time.perf_counter() - started), 1), **spread_ms(seconds)}


def opened(contestant: str, service: EmbeddingService, encode: Encode, texts: list[str]) -> dict[str, float]:
    """Open all calls of an asyncio program at once; the peer, which has no coroutines, runs on threads."""

    async def call(text: str) -> float:
        started = time.perf_counter()
        await (service.aencode_query(text) if contestant == "ours" else asyncio.to_thread(encode, text))
        return time.perf_counter() - started

    async def everything() -> list[float]:
        return await asyncio.gather(*map(call, texts))

    started = time.perf_counter()
    seconds = asyncio.run(everything())
    return {"queries_per_s": round(len(seconds) / (time.perf_counter() - started), 1), **spread_ms(seconds)}


def beside_bulk(service: EmbeddingService, questions: Questions, *, n_texts: int, gap_s: float) -> dict[str, Any]:
    """Queries, one every ``gap_s`` seconds, while a bulk call runs; and what is left of the bulk speed."""
    texts = mixed_texts(n_texts, seed=2)
    seconds: list[float] = []

    def with_queries() -> None:
        bulk = threading.Thread(target=service.encode_documents, args=(texts,))
        bulk.start()
        while True:
            seconds.append(timed(service.encode_query, questions.next()))
            bulk.join(gap_s)
            if not bulk.is_alive():
                return

    times = in_turn({"alone": lambda: service.encode_documents(texts), "with_queries": with_queries}, rounds=2)
    return {
        "queries": len(seconds),
        "query_ms": spread_ms(seconds),
        "bulk_texts_per_s": {name: round(n_texts / min(values), 1) for name, values in times.items()},
        "bulk_kept": round(min(times["alone"]) / min(times["with_queries"]), 3),
    }


def measured(options: argparse.Namespace) -> dict[str, Any]:
    """Run everything that the options ask for."""
    questions = Questions()
    with EmbeddingService() as service:
        theirs = SentenceTransformer(str(service.model.directory), device="cpu")
        contestants: dict[str, Encode] = {"ours": service.encode_query, "theirs": theirs.encode}
        for encode in contestants.values():
            encode("warm up")
        # First, because the service compiles its graphs for single texts meanwhile, as it does in a program that runs.
        alone = single(contestants, questions, options.rounds)
        load = {"n_threads": options.threads, "calls_per_thread": options.calls_per_thread}
        threads = {name: threaded(encode, questions, **load) for name, encode in contestants.items()}
        calls = [[questions.next() for _ in range(options.open_calls)] for _ in contestants]
        asynchronous = {
            name: opened(name, service, encode, texts)
            for (name, encode), texts in zip(contestants.items(), calls, strict=True)
        }
        return {
            "single_query_ms": alone,
            "threads": {"count": options.threads, **versus(threads["ours"], threads["theirs"])},
            "asyncio": {"open_calls": options.open_calls, **versus(asynchronous["ours"], asynchronous["theirs"])},
            "beside_bulk": beside_bulk(service, questions, n_texts=options.bulk_texts, gap_s=options.gap_ms / 1000),
            "mixed": mixed(service, questions, for_s=options.mixed_s),
        }


def main() -> None:
    """Measure and report."""
    options = arguments(
        "Waiting times against sentence-transformers.",
        rounds=10,
        threads=32,
        calls_per_thread=20,
        open_calls=256,
        bulk_texts=1000,
        gap_ms=100,
        mixed_s=30,
    )
    report(measured(options), options.json)


if __name__ == "__main__":
    main()
