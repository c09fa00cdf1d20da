"""How fast a Designer or EDT dump is read: the scanner alone, then everything.

    python benchmarks/ingest.py DUMP [RESULT.json]

Reads the dump twice and prints the better figures, so that the disk is out of the picture.
"""

from __future__ import annotations

import json
import os
import platform
import sys
import time
from collections import Counter
from pathlib import Path

from rag_demo.ingest import Ingested, read_configuration
from rag_demo.ingest.bsl import scan

ROUNDS = 2


def scanner_megabytes_per_s(root: Path) -> float:
    contents = [path.read_bytes() for path in sorted(root.rglob("*.bsl"))]
    texts = [content.decode("utf-8-sig", errors="replace") for content in contents]
    best = 0.0
    for _ in range(ROUNDS):
        start = time.perf_counter()
        for text in texts:
            scan(text)
        best = max(best, sum(map(len, contents)) / 1e6 / (time.perf_counter() - start))
    return best


def timed_reading(root: Path) -> tuple[float, Ingested]:
    best = float("inf")
    for _ in range(ROUNDS):
        ingested = None  # so that one result at a time is in memory
        start = time.perf_counter()
        ingested = read_configuration(root, space_id="benchmark")
        best = min(best, time.perf_counter() - start)
    return best, ingested


def peak_memory_mib() -> float | None:
    try:
        import resource
    except ImportError:  # Windows
        return None
    unit = 1024**2 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit


def main() -> int:
    if len(sys.argv) not in {2, 3}:
        print(__doc__)
        return 2
    root = Path(sys.argv[1])
    seconds, ingested = timed_reading(root)
    memory_mib = peak_memory_mib()
    result = {
        "machine": {"cpus": os.cpu_count(), "platform": platform.platform(), "python": platform.python_version()},
        "configuration": f"{ingested.configuration_name} {ingested.configuration_version}",
        "format": ingested.format,
        "documents": dict(Counter(document.doc_type for document in ingested.documents)),
        "problems": len(ingested.problems),
        "read_s": round(seconds, 2),
        "peak_memory_mib": None if memory_mib is None else round(memory_mib),
        "scanner_mb_per_s": round(scanner_megabytes_per_s(root), 1),
    }
    text = json.dumps(result, ensure_ascii=False, indent=2)
    print(text)
    if len(sys.argv) == 3:
        Path(sys.argv[2]).write_text(text + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
