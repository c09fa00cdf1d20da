"""One CUDA device: streams, pinned copies, pooled buffers, memory. What the torch lane needs to know of it."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hybrid_embeddings.models.cuda_attention import FlatKernel, flash_kernel
from hybrid_embeddings.models.memory_pool import MemoryPool, PoolStats
from hybrid_embeddings.types import MemoryReading

if TYPE_CHECKING:
    import torch

# Starting the 100–300 kernels of one forward pass takes the host 2–4 ms, whatever their size. A batch should keep
# the device busy for longer than that: 2 TFLOP are 5 ms at 400 TFLOP/s and 50 ms on a small card.
_BATCH_FLOP = 2e12
_FEWEST_TOKENS, _MOST_TOKENS = 4096, 65_536
# Asking the driver takes longer than a small batch may be delayed.
_READ_MEMORY_EVERY_S = 0.5

_DRIVER_FILES = ("/dev/nvidiactl", "/dev/nvidia0", "/dev/dxg", "/dev/nvhost-gpu", "/proc/driver/nvidia")


def cuda_devices() -> list[str]:
    """Return ``cuda:0``, ``cuda:1``, … Loads torch only if an NVIDIA driver is there at all."""
    if not any(map(os.path.exists, _driver_files())):
        return []
    import torch

    return [f"cuda:{index}" for index in range(torch.cuda.device_count())] if torch.cuda.is_available() else []


def _driver_files() -> tuple[str, ...]:
    """Return files of which one exists where a driver is: Linux, WSL, Jetson, containers, Windows."""
    if sys.platform == "win32":
        return (str(Path(os.environ.get("SYSTEMROOT", "C:/Windows"), "System32/nvcuda.dll")),)
    return _DRIVER_FILES


class CudaDevice:
    """See :class:`hybrid_embeddings.models.torch_device.TorchDevice`."""

    # The second slot pads and copies while the first one computes.
    n_slots = 2
    # Tensor cores and attention kernels with a mask want multiples of eight.
    width_multiple = 8

    def __init__(self, name: str, *, pool_bytes: int) -> None:
        """Describe a device; nothing is allocated yet.

        Args:
            name: ``cuda:0``, ``cuda:1``, …
            pool_bytes: limit of each of the two pools, pinned and device memory; 0 for no pools.
        """
        import torch

        self.name = name
        self.flat_kernel: FlatKernel | None = flash_kernel
        self._torch = torch
        self._device = torch.device(name)
        self._lock = threading.Lock()
        self._read_at_s = float("-inf")
        self._free_bytes: int | None = None
        self._idle: list[tuple[torch.cuda.Stream, torch.cuda.Event]] = []
        self._allocations: torch.cuda.Stream | None = None
        self.host: MemoryPool[torch.Tensor] = MemoryPool(self._pinned, limit_bytes=pool_bytes)
        self._remote: MemoryPool[torch.Tensor] = MemoryPool(self._on_device, limit_bytes=pool_bytes)

    def batch_tokens(self, n_weights: int) -> int:
        """See :class:`hybrid_embeddings.models.torch_device.TorchDevice`. Memory is not looked at here."""
        tokens = int(_BATCH_FLOP / (2 * max(n_weights, 1)))
        return max(_FEWEST_TOKENS, min(tokens, _MOST_TOKENS))

    def memory(self) -> MemoryReading:
        """Return what batches may still take: free on the device, or kept by torch for its next tensors.

        Read at most every half a second; the peak is told once per reading.
        """
        now_s = time.monotonic()
        if now_s - self._read_at_s < _READ_MEMORY_EVERY_S:
            return MemoryReading(free_bytes=self._free_bytes)
        cuda = self._torch.cuda
        allocated = cuda.memory_allocated(self._device)
        free_bytes, _ = cuda.mem_get_info(self._device)
        self._read_at_s = now_s
        self._free_bytes = free_bytes + cuda.memory_reserved(self._device) - allocated
        peak_bytes = cuda.max_memory_allocated(self._device) - allocated
        cuda.reset_peak_memory_stats(self._device)
        return MemoryReading(free_bytes=self._free_bytes, peak_bytes=max(peak_bytes, 0) or None)

    def settle(self) -> None:
        """Wait until the weights are there: they were copied on another stream than those of the slots.

        Called after a model was loaded, never while batches run.
        """
        self._torch.cuda.synchronize(self._device)

    def preallocate(self, input_bytes: int, output_bytes: int) -> None:
        """Fill the pools with what every slot needs for a full batch."""
        self.host.preallocate([input_bytes, output_bytes] * self.n_slots)
        self._remote.preallocate([input_bytes] * self.n_slots)

    @contextmanager
    def slot(self) -> Iterator[None]:
        """Run the block on a stream of its own. Leaving it waits until the device has done the block's work.

        Also after an error: the device may still read buffers that the caller is about to give back.
        """
        torch = self._torch
        stream, event = self._take_stream()
        with torch.cuda.device(self._device), torch.cuda.stream(stream), torch.inference_mode():
            try:
                yield
            except BaseException:
                with suppress(RuntimeError):  # the first error is the one to tell
                    self._wait(stream, event)
                raise
            self._wait(stream, event)
        with self._lock:
            self._idle.append((stream, event))

    @contextmanager
    def mirror(self, n_bytes: int) -> Iterator[Callable[[torch.Tensor], torch.Tensor]]:
        """Lend device memory; the function that is yielded copies a pinned block into it without waiting."""
        with self._remote.lease(n_bytes) as buffer:

            def upload(block: torch.Tensor) -> torch.Tensor:
                remote = buffer[: block.numel() * block.element_size()].view(block.dtype)
                return remote.copy_(block, non_blocking=True)

            yield upload

    def release(self) -> None:
        """Give unused memory back to the device, after it ran out or at the end."""
        self.host.clear()
        self._remote.clear()
        with suppress(RuntimeError):  # a device that failed cannot be tidied up
            self._torch.cuda.empty_cache()

    def pool_stats(self) -> Mapping[str, PoolStats]:
        """Return the statistics of the pools: ``pinned`` and ``device``."""
        return {"pinned": self.host.stats(), "device": self._remote.stats()}

    def _take_stream(self) -> tuple[torch.cuda.Stream, torch.cuda.Event]:
        with self._lock:
            if self._idle:
                return self._idle.pop()
        # blocking: a thread that waits sleeps, instead of taking a core from the tokenizer.
        cuda: Any = self._torch.cuda
        return cuda.Stream(self._device), cuda.Event(blocking=True)

    @staticmethod
    def _wait(stream: Any, event: Any) -> None:
        event.record(stream)
        event.synchronize()

    def _pinned(self, n_bytes: int) -> torch.Tensor:
        with self._torch.cuda.device(self._device):  # else the first device of the machine gets a context, too
            return self._torch.empty(n_bytes, dtype=self._torch.uint8, pin_memory=True)

    def _on_device(self, n_bytes: int) -> torch.Tensor:
        # On a stream that nobody computes on: torch hands out memory again as soon as it is freed, because work on the
        # same stream goes on in order, and work of the host program may still be writing there.
        cuda: Any = self._torch.cuda
        if self._allocations is None:
            self._allocations = cuda.Stream(self._device)
        with cuda.stream(self._allocations):
            return self._torch.empty(n_bytes, dtype=self._torch.uint8, device=self._device)
