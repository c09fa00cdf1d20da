"""How fast a dump is read: documents and facts, and how fast the facts are stored.

    python benchmarks/ingest.py DUMP [--rounds 2] [--json RESULT.json]

DUMP is a folder or a ZIP archive. It is read several times and the best time counts, so that the disk is out of the
picture; peak memory is that of the process, with everything that was read held at once.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from common import report

from rag_demo.index.fact_store import FactStore
from rag_demo.ingest import Ingested, read_configuration


def timed_reading(root: Path, rounds: int) -> tuple[float, Ingested]:
    best = float("inf")
    for _ in range(rounds):
        ingested = None  # so that one result at a time is in memory
        start = time.perf_counter()
        ingested = read_configuration(root, space_id="benchmark")
        best = min(best, time.perf_counter() - start)
    return best, ingested


def timed_storing(ingested: Ingested) -> tuple[float, int]:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "facts.sqlite"
        start = time.perf_counter()
        store = FactStore.create(file)
        store.add(ingested.facts)
        store.seal()
        store.close()
        return time.perf_counter() - start, file.stat().st_size


def peak_memory_mib() -> float | None:
    try:
        import resource
    except ImportError:  # Windows
        return None
    unit = 1024**2 if sys.platform == "darwin" else 1024
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("dump", type=Path, metavar="DUMP")
    parser.add_argument("--rounds", type=int, default=2, help="default 2")
    parser.add_argument("--json", type=Path, help="write the result here")
    options = parser.parse_args()
    seconds, ingested = timed_reading(options.dump, options.rounds)
    memory_mib = peak_memory_mib()
    store_s, store_bytes = timed_storing(ingested)
    result = {
        "configuration": f"{ingested.configuration_name} {ingested.configuration_version}",
        "format": ingested.format,
        "documents": dict(Counter(document.doc_type for document in ingested.documents)),
        "facts": dict(Counter(type(fact).__name__ for fact in ingested.facts)),
        "problems": len(ingested.problems),
        "read_s": round(seconds, 2),
        "peak_memory_mib": memory_mib,
        "store_facts_s": round(store_s, 2),
        "store_facts_mib": round(store_bytes / 1024**2, 1),
    }
    report(result, options.json)


if __name__ == "__main__":
    main()
