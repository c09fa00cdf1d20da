"""Part of gpu_suite.py: memory, profile and utilisation of the device."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

from common import mixed_texts
from gpu_common import Suite
from gpu_pool import compare_pool

from hybrid_embeddings.models.lane_check import cosine_distances


def out_of_memory(suite: Suite) -> dict[str, Any]:
    """Batches far too large for a small share of the device: all vectors must come, and be right."""
    texts = mixed_texts(suite.options.bulk, shortest=200, seed=5)
    with suite.service() as service:
        expected = service.encode(texts)
    with suite.service(max_batch_tokens=1 << 19) as service, _little_memory(suite):
        seconds = suite.timed(lambda: service.encode(texts))
        vectors = service.encode(texts)
        lane = next(iter(service.explain()["lanes"].values()))
    return {
        "out_of_memory": lane["out_of_memory"],
        "budget_tokens": lane["budget_tokens"],
        "failures": lane["failures"],
        "largest_distance": float(cosine_distances(vectors, expected).max()),
        "texts_per_s": len(texts) / seconds,
    }


@contextmanager
def _little_memory(suite: Suite) -> Iterator[None]:
    if not suite.is_cuda:
        yield
        return
    cuda = suite.torch.cuda
    cuda.empty_cache()
    total = cuda.get_device_properties(0).total_memory
    cuda.set_per_process_memory_fraction(min(1.0, (cuda.memory_reserved(0) + (512 << 20)) / total), 0)
    try:
        yield
    finally:
        cuda.set_per_process_memory_fraction(1.0, 0)


def pool(suite: Suite) -> dict[str, Any]:
    """Allocation with and without the pool, alone and in the engine."""
    result = compare_pool(suite.device, suite.options.allocations)
    texts = mixed_texts(suite.options.bulk, seed=6)
    for name, is_on in (("engine_with_pool", True), ("engine_without_pool", False)):
        with suite.service(gpu_memory_pool=is_on) as service:
            service.encode(texts[: len(texts) // 4])
            seconds = [suite.timed(lambda service=service: service.encode(texts)) for _ in range(2)]
            pools = next(iter(service.explain()["lanes"].values()))["memory_pool"]
            result[name] = {"texts_per_s": len(texts) / min(seconds), "pools": pools}
    return result


def profile(suite: Suite) -> dict[str, Any]:
    """Shares of a bulk call: tokenising on the host; copies, products, attention and the rest on the device."""
    from torch import profiler

    texts = mixed_texts(suite.options.bulk, seed=8)
    activities = [profiler.ProfilerActivity.CPU, *([profiler.ProfilerActivity.CUDA] if suite.is_cuda else [])]
    with suite.service() as service:
        service.encode(texts[: len(texts) // 4])
        _, receipt = service.encode(texts, return_report=True)
        with profiler.profile(activities=activities) as found:
            service.encode(texts)
    seconds: dict[str, float] = {}
    for event in found.key_averages():
        # Named differently in older versions of torch.
        spent = getattr(event, "self_device_time_total", None) or getattr(event, "self_cuda_time_total", 0.0)
        if spent and "CUDA" in str(event.device_type):
            kind = _kind_of(event.key)
            seconds[kind] = seconds.get(kind, 0.0) + spent / 1e6
    return {
        "call_s": receipt.total_s,
        "tokenize_share": receipt.tokenize_s / receipt.total_s,
        "device_s": seconds,
        "device_busy": sum(seconds.values()) / receipt.total_s,
    }


def _kind_of(name: str) -> str:
    lowered = name.lower()
    for kind, marks in {
        "copies": ("memcpy", "memset"),
        "attention": ("flash", "fmha", "attention"),
        "products": ("gemm", "cutlass", "cublas", "nvjet", "matmul"),
    }.items():
        if any(mark in lowered for mark in marks):
            return kind
    return "elementwise"


def utilisation(suite: Suite) -> dict[str, Any]:
    """How busy the device is during a bulk call, in percent, sampled every 50 ms; memory in use at its peak."""
    if not suite.is_cuda:
        return {"skipped": "no CUDA device"}
    try:
        suite.torch.cuda.utilization(0)
    except (ImportError, RuntimeError) as error:  # torch asks the package nvidia-ml-py for it
        return {"skipped": str(error)}
    cuda, samples, done = suite.torch.cuda, [], threading.Event()
    texts = mixed_texts(suite.options.sizes[-1], seed=9)

    def sample() -> None:
        while not done.wait(0.05):
            samples.append(cuda.utilization(0))

    with suite.service() as service, ThreadPoolExecutor(1) as helper:
        service.encode(texts[:100])
        watching = helper.submit(sample)
        try:
            service.encode(texts)
        finally:
            done.set()
        watching.result()
    total = cuda.get_device_properties(0).total_memory
    return {"gpu_percent": samples, "memory_share": cuda.max_memory_reserved(0) / total}
