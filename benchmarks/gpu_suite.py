"""Everything that only a CUDA machine can tell, in one run of less than nine minutes.

Run ``python benchmarks/gpu_suite.py --model DIR [--json FILE]``; needs numpy, torch, transformers, tokenizers and
sentence-transformers, and this repository (it need not be installed). ``--device cpu`` is a dry run of the script.
Sections that the time is not enough for are reported as skipped; the JSON file is rewritten after every section.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

# The folder of this script is there already; with the one above it, nothing needs to be installed.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from common import report
from gpu_common import Suite
from gpu_device import out_of_memory, pool, profile, utilisation
from gpu_speed import budgets, latency, multi_gpu, parity, throughput

from hybrid_embeddings.diagnosis.record import machine_record


def targets(suite: Suite) -> dict[str, Any]:
    """What was asked for, what was measured, and whether that is enough."""
    rows, latency = suite.results["throughput"], suite.results["latency"]["alone_32_threads"]
    best = max(row["alone"]["warm"] for row in rows.values())
    largest = rows[str(suite.options.sizes[-1])]
    wanted = {
        "texts_per_s > 2000": (best, best > 2000),
        "p50_ms < 20": (latency["p50_ms"], latency["p50_ms"] < 20),
        "p95_ms < 100": (latency["p95_ms"], latency["p95_ms"] < 100),
        "p99_ms < 200": (latency["p99_ms"], latency["p99_ms"] < 200),
        "default peer x >= 5": (largest["alone_to_st_default"], largest["alone_to_st_default"] >= 5),
        "tuned peer x >= 2": (largest["alone_to_st_tuned"], largest["alone_to_st_tuned"] >= 2),
    }
    for size, row in rows.items():
        wanted[f"hybrid to alone at {size} >= 0.98"] = (row["hybrid_to_alone"], row["hybrid_to_alone"] >= 0.98)
    return {name: {"measured": measured, "reached": bool(reached)} for name, (measured, reached) in wanted.items()}


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Measurements of the CUDA lane.")
    parser.add_argument("--model", type=Path, required=True, help="directory of a sentence-transformers model")
    parser.add_argument("--device", choices=("cuda", "cpu"), default="cuda", help="cpu: dry run")
    parser.add_argument("--json", type=Path, help="write the results here")
    parser.add_argument("--sizes", default="10,50,100,500,1000,10000", help="numbers of texts")
    parser.add_argument("--sections", default="", help="only these, separated by commas")
    for name, default in {"rounds": 3, "bulk": 2000, "queries": 500, "parity-texts": 61, "allocations": 300}.items():
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--limit-s", type=float, default=500.0, help="no section starts after so many seconds")
    options = parser.parse_args()
    options.sizes = sorted(int(size) for size in options.sizes.split(","))
    return options


def main() -> None:
    """Run the sections, the most important first."""
    options = _options()
    if options.device == "cpu":
        os.environ["CUDA_VISIBLE_DEVICES"] = ""
    wanted = [name for name in options.sections.split(",") if name] or list(SECTIONS)
    started = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        suite = Suite(options, Path(folder))
        suite.results["device"] = suite.torch.cuda.get_device_name(0) if suite.is_cuda else "cpu (dry run)"
        for name in wanted:
            is_late = time.perf_counter() - started > options.limit_s
            suite.results[name] = {"skipped": "out of time"} if is_late else _run(suite, name)
            save(suite.results, options.json)
    report(suite.results, options.json)
    sys.exit(any("error" in result for result in suite.results.values() if isinstance(result, dict)))


def _run(suite: Suite, name: str) -> dict[str, Any]:
    before = time.perf_counter()
    try:
        result = SECTIONS[name](suite)
    # One section must not cost the results of the others; the exit status tells.
    except Exception as error:  # noqa: BLE001 - see above
        traceback.print_exc()
        result = {"error": f"{type(error).__name__}: {error}"}
    suite.results.setdefault("seconds", {})[name] = time.perf_counter() - before
    return result


def save(results: dict[str, Any], path: Path | None) -> None:
    """Write what there is so far, in case the run is cut off."""
    if path is not None:
        path.write_text(json.dumps({"machine": machine_record(), **results}, indent=2) + "\n", encoding="utf-8")


# The most important first: the time may not be enough for all.
SECTIONS: dict[str, Callable[[Suite], dict[str, Any]]] = {
    "parity": parity,
    "throughput": throughput,
    "latency": latency,
    "targets": targets,
    "out_of_memory": out_of_memory,
    "pool": pool,
    "profile": profile,
    "budgets": budgets,
    "utilisation": utilisation,
    "multi_gpu": multi_gpu,
}


if __name__ == "__main__":
    main()
