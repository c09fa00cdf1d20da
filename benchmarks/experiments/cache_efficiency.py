"""1,000 distinct texts in 10,000 requests, 90 % of them repeated: what the caches answer, and what that saves.

Cold, an exact cache cannot know more than 90 %: each text has to be computed once. Warm, it knows all. Latency saved is
1 - median of a request / median without caches. Beside the exact tiers, ``near`` asks for texts that differ in a
capital letter, in spaces or in punctuation, which only the near-duplicate tier can answer, if the model allows it.

Run ``python benchmarks/experiments/cache_efficiency.py [--json docs/results/cache_efficiency.json]``; a chart goes
beside it. Needs the extras redis, sql and dev (real servers).
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from cache import reference_experiment, service, stores
from charts import Axes, line_chart
from common import arguments, mixed_texts, report

from hybrid_embeddings import EmbeddingService

TARGETS = {"combined_hit_rate": 0.98, "latency_saved": 0.97, "cache_hit_rate": 0.8, "memory": 0.6, "near": 0.05}

CHANGES: dict[str, Callable[[str], str]] = {
    "capital letter": str.capitalize,
    "spaces": lambda text: text.replace(" ", "  "),
    "comma": lambda text: text.replace(" ", ", ", 1),
    "full stop": lambda text: f"{text}.",
    "capital letter and full stop": lambda text: f"{text.capitalize()}.",
}


def growth(unique: list[str], n_requests: int, parts: int = 20) -> list[tuple[float, float]]:
    """Hit rate of each twentieth of the requests, cold, memory alone: pairs (requests so far, rate)."""
    order = unique + Random(0).choices(unique, k=n_requests - len(unique))
    Random(1).shuffle(order)
    size, points = len(order) // parts, []
    with service(cache_size=len(unique)) as ours:
        for part in range(parts):
            n_known = 0
            for text in order[part * size : (part + 1) * size]:
                n_known += ours.encode([text], return_report=True)[1].n_cached
            points.append(((part + 1) * size, n_known / size))
    return points


def near_duplicates(unique: list[str]) -> dict[str, Any]:
    """Share of variants that the near-duplicate tier answers; none of them is known to an exact tier.

    As many variants of each change. The tier measures all changes with one half of the texts; the other half asks.
    """
    half = len(unique) // 2
    with service(cache_size=20 * len(unique), semantic_mode="active") as ours:
        ours.encode(unique)
        ours.flush_cache()
        for change in CHANGES.values():
            ours.encode([change(text) for text in unique[:half]])
            ours.flush_cache()
        asked = {name: unique[half + row :: len(CHANGES)] for row, name in enumerate(CHANGES)}
        computed = {name: _n_computed(ours, [CHANGES[name](text) for text in texts]) for name, texts in asked.items()}
        sorts = ours.get_cache_stats()["tiers"]["near"]["sorts"]
    n_asked = sum(map(len, asked.values()))
    return {
        "asked": n_asked,
        "answered": round(1 - sum(computed.values()) / n_asked, 4),
        "by_change": {name: round(1 - computed[name] / len(texts), 4) for name, texts in asked.items()},
        "sorts": {name: {key: round(float(value), 4) for key, value in told.items()} for name, told in sorts.items()},
    }


def _n_computed(ours: EmbeddingService, texts: list[str]) -> int:
    return ours.encode(texts, return_report=True)[1].n_computed


def plot(points: list[tuple[float, float]], path: Path) -> None:
    """The hit rate as the cache fills."""
    marks = [points[0][0], *(points[number][0] for number in (4, 9, 14, 19))]
    axes = Axes("Hit rate while the cache fills", "requests so far", "share of known texts", marks)
    line_chart(path.with_suffix(".svg"), axes, {"memory, cold": points})


def main() -> None:
    """Measure, report, draw."""
    options = arguments("90 % of 10,000 requests repeat.", unique=1000, requests=10_000)
    unique = mixed_texts(options.unique, shortest=5, longest=40, seed=3)
    with stores() as urls:
        tiers: dict[str, Any] = reference_experiment(urls, unique, options.requests, 1)
    points = growth(unique, options.requests)
    result = {"unique": options.unique, "requests": options.requests, "targets": TARGETS, "tiers": tiers}
    report({**result, "near": near_duplicates(unique), "hit_rate_cold": points}, options.json)
    if options.json:
        plot(points, options.json)


if __name__ == "__main__":
    main()
