"""A second device for machines without a GPU: the CPU behind the pools of buffers that a CUDA device has."""

from __future__ import annotations

import threading
from contextlib import contextmanager

import numpy as np

from hybrid_embeddings.errors import LaneError
from hybrid_embeddings.models.memory_pool import MemoryPool
from hybrid_embeddings.models.torch_device import HostDevice
from hybrid_embeddings.models.torch_lane import TorchLane
from hybrid_embeddings.types import MemoryReading

_POOL_BYTES = 1 << 24
FREE_BYTES, PEAK_BYTES = 3 << 30, 5 << 20


class PooledDevice(HostDevice):
    """The pools are real, their buffers lie in ordinary memory; what is free is a number of the test."""

    def __init__(self):
        super().__init__()
        self.host = MemoryPool(self._allocate, limit_bytes=_POOL_BYTES)
        self.remote = MemoryPool(self._allocate, limit_bytes=_POOL_BYTES)
        self.gate = threading.Event()  # while it is cleared, copies wait, and their buffers stay lent
        self.gate.set()
        self.copying = threading.Event()

    def memory(self):
        return MemoryReading(free_bytes=FREE_BYTES, peak_bytes=PEAK_BYTES)

    @contextmanager
    def mirror(self, n_bytes):
        with self.remote.lease(n_bytes) as buffer:

            def upload(block):
                self.copying.set()
                self.gate.wait()
                return buffer[: block.numel() * block.element_size()].view(block.dtype).copy_(block)

            yield upload

    def pool_stats(self):
        return {"pinned": self.host.stats(), "device": self.remote.stats()}


class SecondLane(TorchLane):
    """The real model on that device, which passes for ``cuda:0``. Counts its batches; fails when it is told to."""

    def __init__(self, model):
        self.pooled = PooledDevice()
        super().__init__(model.source, model.card, self.pooled, numeric_class="float32")
        self.name = self.device = "cuda:0"
        self.returned, self.n_tokens, self.n_padded = [], 0, 0
        self.faults = []  # for the next batches: an error to raise, or "nan" for a row of rubbish
        self.is_unplugged, self.n_refused = False, 0

    def run(self, batch):
        if self.is_unplugged:
            self.n_refused += 1
            raise LaneError("unplugged")
        fault = self.faults.pop(0) if self.faults else None
        if isinstance(fault, Exception):
            raise fault
        vectors = super().run(batch)
        self.returned.append(len(batch.texts))
        self.n_tokens += sum(len(text.ids) for text in batch.texts)
        self.n_padded += batch.padded_tokens
        if fault == "nan":
            vectors[0] = np.nan
        return vectors
