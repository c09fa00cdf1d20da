"""Every benchmark runs from end to end with tiny sizes and writes what the table of results reads."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
DUMP = ROOT / "rag_demo" / "configurations" / "trade" / "designer"
TINY = {
    "ingest": [DUMP, "--rounds", "1"],
    "scanner": [DUMP, "--rounds", "1"],
    "throughput": ["--texts", "8", "--rounds", "1", "--query-rounds", "1"],
    "limits": ["--rounds", "1"],
    "mixed": ["--for-s", "1"],
    "budgets": ["--seconds", "1", "--seeds", "1"],
    "multi_gpu": ["--texts", "40", "--calls", "3", "--rounds", "1"],
    "latency": [
        *("--rounds", "1", "--threads", "2", "--calls-per-thread", "2", "--open-calls", "4"),
        *("--bulk-texts", "4", "--mixed-s", "1"),
    ],
    "hybrid": ["--largest", "10", "--real-texts", "4", "--rounds", "1", "--tokens-per-s", "500000", "--at-once-s", "1"],
    "memory": ["--texts", "2000", "--encode-texts", "100", "--rounds", "1"],
    "peers": ["--texts", "4", "--rounds", "1"],
    "cache": ["--texts", "20", "--unique", "4", "--requests", "20", "--vectors", "120"],
    "bulk_job": ["--texts", "20", "--rounds", "1"],
    "chat_speed": ["--rounds", "5"],
    "near_duplicates": ["--taught", "20", "--asked", "10", "--processes", "1", "--requests", "10"],
}
KEYS = {
    "ingest": {"documents", "facts", "read_s", "store_facts_s"},
    "scanner": {"designer"},
    "throughput": {"texts_per_s", "bulk_ratio", "query_ms", "padding"},
    "limits": {"product_tflops", "best", "fast", "exact"},
    "mixed": {"sorts", "longest_over_median"},
    "budgets": {"policies", "best"},
    "multi_gpu": {"bulk", "calls"},
    "latency": {"single_query_ms", "threads", "asyncio", "beside_bulk", "mixed"},
    "hybrid": {"simulated", "worst", "real"},
    "memory": {"stream", "encode"},
    "peers": {"contestants", "missing"},
    "bulk_job": {"texts_per_s", "overhead"},
    "chat_speed": {"first_token_ms", "cached_answer_ms"},
    "near_duplicates": {"precision", "federation"},
    "cache": {"warm_texts_per_s_by_call_size", "langchain", "stores_batch_1000", "records", "reference"},
}


@pytest.fixture(scope="module")
def results(tmp_path_factory, model_cache):
    """Run all of them in one process of their own."""
    folder = tmp_path_factory.mktemp("результаты")
    plan = folder / "plan.json"
    plan.write_text(json.dumps(TINY, default=str), encoding="utf-8")
    command = [sys.executable, Path(__file__).with_name("run_tiny.py"), plan, folder]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("EMBEDDING_")}
    environment["EMBEDDING_MODEL_CACHE_DIR"] = str(model_cache)
    done = subprocess.run(command, capture_output=True, text=True, timeout=500, check=False, env=environment)
    assert done.returncode == 0, done.stderr
    return folder


@pytest.mark.parametrize("name", TINY)
def test_runs_and_writes_its_result(name, results):
    error = results / f"{name}.error"
    assert not error.exists(), error.read_text(encoding="utf-8")
    result = json.loads((results / f"{name}.json").read_text(encoding="utf-8"))
    assert result.keys() >= KEYS[name] | {"machine"}
