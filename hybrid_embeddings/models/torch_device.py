"""What the torch lane needs of a device, and the CPU as such a device. CUDA is in :mod:`cuda_device`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TYPE_CHECKING, Protocol

from hybrid_embeddings.models.cuda_attention import FlatKernel
from hybrid_embeddings.models.memory_pool import MemoryPool, PoolStats
from hybrid_embeddings.types import MemoryReading

if TYPE_CHECKING:
    import torch

_CPU_BATCH_TOKENS = 2048


class TorchDevice(Protocol):
    """What a lane needs of a device. The pools of a device hold uint8 tensors."""

    name: str
    n_slots: int
    width_multiple: int
    flat_kernel: FlatKernel | None
    host: MemoryPool[torch.Tensor]

    def batch_tokens(self, n_weights: int) -> int:
        """Return the padded tokens of the fastest batch, for a model of so many weights outside embeddings."""

    def memory(self) -> MemoryReading:
        """Return the memory for batches."""

    def settle(self) -> None:
        """Wait until a model that was just loaded can be used."""

    def preallocate(self, input_bytes: int, output_bytes: int) -> None:
        """Make buffers for full batches."""

    def slot(self) -> AbstractContextManager[None]:
        """Run a block beside other slots; its work is done when the block was left."""

    def mirror(self, n_bytes: int) -> AbstractContextManager[Callable[[torch.Tensor], torch.Tensor]]:
        """Lend memory of the device, as a function that brings a host tensor there."""

    def release(self) -> None:
        """Give back unused memory."""

    def pool_stats(self) -> Mapping[str, PoolStats]:
        """Return the statistics of each pool."""


class HostDevice:
    """The CPU. See :class:`TorchDevice`."""

    name = "cpu"
    n_slots = 1
    width_multiple = 1
    flat_kernel: FlatKernel | None = None

    def __init__(self) -> None:
        import torch

        self._torch = torch
        # Plain memory costs nothing to allocate, so nothing is kept.
        self.host: MemoryPool[torch.Tensor] = MemoryPool(self._allocate, limit_bytes=0)

    def batch_tokens(self, n_weights: int) -> int:  # noqa: ARG002 - caches of CPUs are much alike
        """See :class:`TorchDevice`."""
        return _CPU_BATCH_TOKENS

    def memory(self) -> MemoryReading:
        """See :class:`TorchDevice`."""
        return MemoryReading()

    def settle(self) -> None:
        """See :class:`TorchDevice`."""

    def preallocate(self, input_bytes: int, output_bytes: int) -> None:
        """See :class:`TorchDevice`."""

    @contextmanager
    def slot(self) -> Iterator[None]:
        """See :class:`TorchDevice`."""
        with self._torch.inference_mode():
            yield

    def mirror(self, n_bytes: int) -> AbstractContextManager[Callable[[torch.Tensor], torch.Tensor]]:  # noqa: ARG002
        """See :class:`TorchDevice`. The memory of the host is that of the device."""
        return nullcontext(lambda block: block)

    def release(self) -> None:
        """See :class:`TorchDevice`."""

    def pool_stats(self) -> Mapping[str, PoolStats]:
        """See :class:`TorchDevice`."""
        return {}

    def _allocate(self, n_bytes: int) -> torch.Tensor:
        return self._torch.empty(n_bytes, dtype=self._torch.uint8)
