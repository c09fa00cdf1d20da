"""Part of gpu_suite.py: buffers from the pool against buffers from torch's caches and from the driver."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

from common import median

from hybrid_embeddings.models.memory_pool import MemoryPool

if TYPE_CHECKING:
    import torch

_LIMIT_BYTES = 256 << 20


def requests(count: int) -> list[tuple[int, int]]:
    """Return (input bytes, vector bytes) of ``count`` batches: mostly full ones, every fifth a query."""
    rng = random.Random(0)
    return [
        (4 * 8 * rng.randint(8, 64), 4 * 384) if rng.random() < 0.2 else (4 * 8 * tokens, 4 * 384 * (tokens // width))
        for tokens, width in ((rng.randint(50_000, 65_536), rng.choice([16, 64, 256])) for _ in range(count))
    ]


def compare_pool(device: str, count: int) -> dict[str, Any]:
    """Time the three allocations of a batch (pinned input, device input, pinned vectors), two batches at a time."""
    import torch

    is_cuda = device.startswith("cuda")

    def pinned(n_bytes: int) -> torch.Tensor:
        return torch.empty(n_bytes, dtype=torch.uint8, pin_memory=is_cuda)

    def remote(n_bytes: int) -> torch.Tensor:
        return torch.empty(n_bytes, dtype=torch.uint8, device=device)

    pools = [MemoryPool(pinned, limit_bytes=_LIMIT_BYTES), MemoryPool(remote, limit_bytes=_LIMIT_BYTES)]

    @contextmanager
    def plain(allocate: Callable[[int], torch.Tensor], n_bytes: int) -> Iterator[torch.Tensor]:
        yield allocate(n_bytes)

    ways: dict[str, tuple[Callable[[int], Any], Callable[[int], Any]]] = {
        "pool": (pools[0].lease, pools[1].lease),
        "torch_caches": (lambda n: plain(pinned, n), lambda n: plain(remote, n)),
        "driver": (lambda n: plain(pinned, n), lambda n: plain(remote, n)),
    }
    result: dict[str, Any] = {}
    for name, (host, device_memory) in ways.items():
        empty_caches()
        result[name] = _trace(host, device_memory, count, pools=pools, is_cuda=is_cuda, forget=name == "driver")
        for pool in pools:
            pool.clear()
    base = result["pool"]["median_us"]
    result["times_faster_than_torch_caches"] = result["torch_caches"]["median_us"] / base
    result["times_faster_than_driver"] = result["driver"]["median_us"] / base
    return result


def _trace(
    host: Callable[[int], Any],
    remote: Callable[[int], Any],
    count: int,
    *,
    pools: list[MemoryPool[torch.Tensor]],
    is_cuda: bool,
    forget: bool,
) -> dict[str, float]:
    seconds, wasted = [], []
    before: ExitStack | None = None
    for n_input, n_output in requests(count):
        if forget:
            empty_caches()
        stack = ExitStack()
        started = time.perf_counter()
        for acquire, n_bytes in ((host, n_input), (remote, n_input), (host, n_output)):
            stack.enter_context(acquire(n_bytes))
        seconds.append(time.perf_counter() - started)
        wasted.append(_fragmentation(pools, is_cuda=is_cuda))
        if before is not None:  # the other slot finishes while this batch runs
            before.close()
        before = stack
    if before is not None:
        before.close()
    ordered = sorted(seconds)
    return {
        "median_us": 1e6 * median(seconds),
        "p95_us": 1e6 * ordered[int(0.95 * (len(ordered) - 1))],
        "first_us": 1e6 * seconds[0],
        **{name: median([sample[name] for sample in wasted]) for name in wasted[0]},
    }


def _fragmentation(pools: list[MemoryPool[torch.Tensor]], *, is_cuda: bool) -> dict[str, float]:
    """Return 1 − requested / held: of the pools, and of the memory that torch took from the device."""
    used = {name: pool.stats() for name, pool in zip(("pinned", "device"), pools, strict=True)}
    found = {f"fragmentation_{name}": stats.fragmentation for name, stats in used.items() if stats.n_leased}
    if is_cuda:
        import torch

        stats = torch.cuda.memory_stats()
        reserved = stats["reserved_bytes.all.current"]
        found["fragmentation_torch"] = 1 - stats["requested_bytes.all.current"] / max(reserved, 1)
    return found


def empty_caches() -> None:
    """Give back what torch keeps of device and pinned memory, so that the next request reaches the driver."""
    import torch

    if torch.cuda.is_available():
        torch.cuda.synchronize()
        torch.cuda.empty_cache()
        # Pinned memory: there is no public function for it, and not in all versions.
        getattr(torch._C, "_host_emptyCache", lambda: None)()  # noqa: SLF001 - see above
