"""Part of gpu_suite.py: right vectors, and how fast."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from common import median, mixed_texts
from gpu_common import Suite

from hybrid_embeddings.models.lane_check import cosine_distances

QUERY = "Which report shows the stock of a warehouse in month {}?"
_TUNED_BATCH_SIZES = (32, 128, 512, 2048)
_BUDGETS = (8192, 16_384, 32_768, 65_536, 131_072)


def parity(suite: Suite) -> dict[str, Any]:
    """Largest 1-cos to sentence-transformers in float32, on the CPU and on the device."""
    texts = ["", "a", "Накладная № 15", *mixed_texts(suite.options.parity_texts)]
    references = {
        name: suite.peer(device=device).encode(texts, batch_size=16)
        for name, device in (("st_cpu", "cpu"), ("st_device", suite.device))
    }
    result: dict[str, Any] = {}
    for precision in ("fast", "exact"):
        with suite.service(precision=precision) as service:
            vectors = service.encode(texts)
            lane = next(iter(service.explain()["lanes"].values()))
            result[precision] = {
                "numeric_class": lane["numeric_class"],
                "without_padding": service._runtime.engine().states[0].lane.is_flat,  # noqa: SLF001 - no public name
                **{name: float(cosine_distances(vectors, found).max()) for name, found in references.items()},
            }
    return result


def throughput(suite: Suite) -> dict[str, Any]:
    """Texts per second, cold (loading and the first call) and warm, against default and tuned peers."""
    suite.results["tuned_batch_size"] = tuned = _tuned_batch_size(suite)
    makers: dict[str, tuple[Callable[[], Any], dict[str, int]]] = {
        "st_default": (suite.peer, {"batch_size": 32}),
        "st_tuned": (lambda: suite.peer(half=True), {"batch_size": tuned}),
        "alone": (suite.service, {}),
        "hybrid": (lambda: suite.service(hybrid_mode=True), {}),
    }
    rows: dict[str, Any] = {str(size): {} for size in suite.options.sizes}
    for name, (make, arguments) in makers.items():
        for size in suite.options.sizes:
            rows[str(size)][name] = _measure(suite, make, arguments, size)
    for row in rows.values():
        row["alone_to_st_default"] = row["alone"]["warm"] / row["st_default"]["warm"]
        row["alone_to_st_tuned"] = row["alone"]["warm"] / row["st_tuned"]["warm"]
        row["hybrid_to_alone"] = row["hybrid"]["warm"] / row["alone"]["warm"]
    return rows


def _measure(suite: Suite, make: Callable[[], Any], arguments: dict[str, int], size: int) -> dict[str, Any]:
    texts = mixed_texts(size, seed=1)
    models: list[Any] = []
    cold_s = suite.timed(lambda: models.append(make()) or models[0].encode(texts, **arguments))
    rounds = 1 if size > 2000 else suite.options.rounds
    # Other texts in every round, so that nothing can be remembered.
    again = [mixed_texts(size, seed=2 + number) for number in range(rounds)]
    seconds = [suite.timed(lambda texts=texts: models[0].encode(texts, **arguments)) for texts in again]
    getattr(models.pop(), "close", lambda: None)()
    return {"cold_s": cold_s, "warm": size / median(seconds), "warm_s": seconds}


def _tuned_batch_size(suite: Suite) -> int:
    model, texts = suite.peer(half=True), mixed_texts(max(suite.options.sizes[-1] // 5, 10), seed=3)
    model.encode(texts[:64])
    sizes = _TUNED_BATCH_SIZES if suite.is_cuda else (16, 32)
    return min(sizes, key=lambda size: suite.timed(lambda: model.encode(texts, batch_size=size)))


def budgets(suite: Suite) -> dict[str, Any]:
    """Texts per second by padded tokens of a batch: is the default the right one?"""
    texts, result = mixed_texts(suite.options.bulk, seed=4), {}
    for tokens in _BUDGETS if suite.is_cuda else (1024, 2048):
        with suite.service(max_batch_tokens=tokens) as service:
            service.encode(texts[: len(texts) // 4])
            result[str(tokens)] = len(texts) / suite.timed(lambda service=service: service.encode(texts))
    return result


def latency(suite: Suite) -> dict[str, Any]:
    """Milliseconds of single queries: one after the other, and from 32 threads at once."""
    queries = [QUERY.format(number) for number in range(suite.options.queries)]
    model = suite.peer()
    result = {"st_default": _percentiles(model.encode, queries, n_threads=1)}
    with suite.service() as service:
        result["alone"] = _percentiles(service.encode_query, queries, n_threads=1)
        result["alone_32_threads"] = _percentiles(service.encode_query, queries, n_threads=32)
    return result


def _percentiles(run: Callable[[str], Any], queries: list[str], *, n_threads: int) -> dict[str, float]:
    for query in queries[:3]:
        run(query)

    def one(query: str) -> float:
        started = time.perf_counter()
        run(query)
        return 1e3 * (time.perf_counter() - started)

    started = time.perf_counter()
    with ThreadPoolExecutor(n_threads) as threads:
        found = np.percentile(list(threads.map(one, queries)), [50, 95, 99])
    per_s = len(queries) / (time.perf_counter() - started)
    return {"p50_ms": found[0], "p95_ms": found[1], "p99_ms": found[2], "queries_per_s": per_s}


def multi_gpu(suite: Suite) -> dict[str, Any]:
    """Texts per second on all devices against one."""
    n_devices = suite.torch.cuda.device_count() if suite.is_cuda else 0
    if n_devices < 2:
        return {"skipped": f"{n_devices} CUDA devices"}
    texts = mixed_texts(suite.options.sizes[-1], seed=7)
    result: dict[str, Any] = {"devices": n_devices}
    for name, all_devices in (("one", False), ("all", True)):
        with suite.service(multi_gpu=all_devices) as service:
            service.encode(texts[: len(texts) // 4])
            result[name] = len(texts) / suite.timed(lambda service=service: service.encode(texts))
            result[f"{name}_shares"] = {lane: facts["share"] for lane, facts in service.explain()["lanes"].items()}
    result["scaling"] = result["all"] / result["one"]
    return result
