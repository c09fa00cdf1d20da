"""Mixed arrivals for minutes: does anybody wait much longer than usual?

Callers with single queries, with 8 and with 64 documents at a time keep the engine full. ``longest_over_median`` is
the longest wait over the median: over all texts, each of which waits as long as its call, where it shall stay below 5;
and per sort of call, which says more about the short ones.

Run ``python benchmarks/mixed.py [--for-s 600] [--json docs/results/mixed.json]``.
"""

from __future__ import annotations

import itertools
import threading
import time
from collections import defaultdict
from typing import Any

from common import Questions, arguments, median, mixed_texts, report, spread_ms

from hybrid_embeddings import EmbeddingService

CALLERS = (("query", 0), ("query", 0), ("8 documents", 8), ("8 documents", 8), ("64 documents", 64))
ALL = "all texts"
LIMIT = 5.0


def mixed(service: EmbeddingService, questions: Questions, *, for_s: float) -> dict[str, Any]:
    """Let all callers call for some seconds; return their waits per sort of call."""
    end = time.perf_counter() + for_s
    waits: dict[str, list[float]] = defaultdict(list)

    def caller(sort: str, n_texts: int, number: int) -> None:
        for turn in itertools.count():
            if time.perf_counter() > end:
                return
            texts = mixed_texts(n_texts, seed=1000 * number + turn)
            started = time.perf_counter()
            service.encode_documents(texts) if n_texts else service.encode_query(questions.next())
            waits[sort].append(time.perf_counter() - started)
            time.sleep(0 if n_texts else 0.05)

    threads = [threading.Thread(target=caller, args=(*sort, number)) for number, sort in enumerate(CALLERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    sizes = dict(CALLERS)
    waits[ALL] = [wait for sort, values in waits.items() for wait in values for _ in range(max(sizes[sort], 1))]
    return {
        sort: {
            "waits": len(values),
            **spread_ms(values),
            "longest_over_median": round(max(values) / median(values), 2),
        }
        for sort, values in waits.items()
    }


def main() -> None:
    """Measure and report."""
    options = arguments("Waiting times of mixed calls.", for_s=600)
    with EmbeddingService() as service:
        service.encode("warm up")
        sorts = mixed(service, Questions(), for_s=options.for_s)
    longest = sorts[ALL]["longest_over_median"]
    report({"seconds": options.for_s, "sorts": sorts, "longest_over_median": longest, "limit": LIMIT}, options.json)


if __name__ == "__main__":
    main()
