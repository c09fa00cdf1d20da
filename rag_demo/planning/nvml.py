"""The cards of this machine. The only file that imports ``pynvml`` (package ``nvidia-ml-py``)."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

from rag_demo.planning.catalogue import measured_gpu
from rag_demo.planning.types import Gpu


class NoNvml(Exception):
    """There is no way to ask: no library, no driver, no card."""


def read_gpus(library: Any = None) -> tuple[Gpu, ...]:
    """Every card of this machine, by NVML.

    Args:
        library: what speaks NVML; None: ``pynvml``.

    Raises:
        NoNvml: says why nothing can be told.
    """
    nvml = library or _pynvml()
    with _translated(nvml):
        nvml.nvmlInit()
        try:
            return tuple(_read(nvml, nvml.nvmlDeviceGetHandleByIndex(n)) for n in range(nvml.nvmlDeviceGetCount()))
        finally:
            nvml.nvmlShutdown()


def _read(nvml: Any, handle: Any) -> Gpu:
    name = nvml.nvmlDeviceGetName(handle)
    memory = int(nvml.nvmlDeviceGetMemoryInfo(handle).total)
    return measured_gpu(name, memory, bandwidth_bytes_per_s=_bandwidth(nvml, handle))


def _bandwidth(nvml: Any, handle: Any) -> float | None:
    """Twice the clock of the memory (two transfers each) × width of the bus; None where the card does not tell."""
    with contextlib.suppress(nvml.NVMLError):
        megahertz = nvml.nvmlDeviceGetMaxClockInfo(handle, nvml.NVML_CLOCK_MEM)
        return float(2 * megahertz * 1e6 * nvml.nvmlDeviceGetMemoryBusWidth(handle) / 8)
    return None


def _pynvml() -> Any:
    try:
        import pynvml
    except ImportError:
        raise NoNvml('no cards can be read: pip install "hybrid-embeddings[plan]", or name them: --gpu L4') from None
    return pynvml


@contextlib.contextmanager
def _translated(nvml: Any) -> Iterator[None]:
    try:
        yield
    except nvml.NVMLError as error:
        raise NoNvml(f"no NVIDIA card answers ({error})") from error
