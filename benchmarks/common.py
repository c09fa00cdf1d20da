"""What benchmarks share: texts, timing, JSON results with a record of the machine."""

from __future__ import annotations

import argparse
import itertools
import json
import os
import random
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from hybrid_embeddings.diagnosis.record import machine_record

# What is measured is computing: a second round must not come from a cache. benchmarks/cache.py switches it on.
os.environ.setdefault("EMBEDDING_CACHE_ENABLED", "0")

_NOUNS = (
    "invoice warehouse supplier customer price discount payment currency contract delivery stock report order "
    "manager account balance period document register catalogue service quality return pallet transport season"
).split()
_VERBS = "posts checks loads prints closes moves counts writes reads compares corrects approves ships orders".split()
_OTHER = "the a every new old daily monthly late empty full and or but before after because while with without".split()


def mixed_texts(count: int, *, shortest: int = 5, longest: int = 400, seed: int = 0) -> list[str]:
    """Return texts of ``shortest`` to ``longest`` words, uniformly distributed, always the same for a seed."""
    rng = random.Random(seed)
    words = _NOUNS + _VERBS + _OTHER
    return [" ".join(rng.choices(words, k=rng.randint(shortest, longest))) for _ in range(count)]


def in_turn(contestants: dict[str, Callable[[], Any]], *, rounds: int) -> dict[str, list[float]]:
    """Time each function ``rounds`` times, in turn, so that noise of the machine hits all alike. Seconds."""
    seconds: dict[str, list[float]] = {name: [] for name in contestants}
    for _ in range(rounds):
        for name, run in contestants.items():
            started = time.perf_counter()
            run()
            seconds[name].append(time.perf_counter() - started)
    return seconds


def latencies(contestants: dict[str, Callable[[], Any]], *, rounds: int, block: int = 10) -> dict[str, list[float]]:
    """Time single calls in blocks, in turn; the first call of a block is not counted. Seconds.

    Blocks, because threads of one library go on spinning for a while and would slow down whoever comes next.
    """
    seconds: dict[str, list[float]] = {name: [] for name in contestants}
    for _ in range(rounds):
        for name, run in contestants.items():
            seconds[name] += in_turn({name: run}, rounds=block + 1)[name][1:]
    return seconds


def median(values: Sequence[float]) -> float:
    """Return the middle value."""
    ordered = sorted(values)
    middle = len(ordered) // 2
    return ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2


def queries() -> Iterator[str]:
    """Return short questions that never repeat; threads may share the iterator by ``next``."""
    texts = mixed_texts(997, shortest=4, longest=16, seed=5)
    return (f"{texts[number % len(texts)]} {number}" for number in itertools.count())


class Questions:
    """An endless supply of different questions for many threads."""

    def __init__(self) -> None:
        self._source = queries()
        self._lock = threading.Lock()

    def next(self) -> str:
        """Return a question that nobody got before."""
        with self._lock:
            return next(self._source)


def percentile(values: list[float], share: float) -> float:
    """Return the value below which ``share`` of all lie."""
    ordered = sorted(values)
    return ordered[min(int(share * len(ordered)), len(ordered) - 1)]


def spread_ms(seconds: list[float]) -> dict[str, float]:
    """Return p50, p95 and the longest in milliseconds."""
    ranks = {"p50": 0.5, "p95": 0.95, "max": 1.0}
    return {name: round(1000 * percentile(seconds, share), 2) for name, share in ranks.items()}


def arguments(description: str, **defaults: int) -> argparse.Namespace:
    """Parse ``--json FILE`` and whole-number options with the given defaults."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--json", type=Path, help="write the result here")
    for name, default in defaults.items():
        parser.add_argument(f"--{name.replace('_', '-')}", type=int, default=default, help=f"default {default}")
    return parser.parse_args()


def report(result: dict[str, Any], path: Path | None) -> None:
    """Print a result and, with a path, write it with the description of the machine."""
    complete = {"machine": machine_record(), **result}
    print(json.dumps(complete, indent=2, ensure_ascii=False))
    if path is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(complete, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
