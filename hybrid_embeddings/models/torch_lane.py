"""Lanes on torch: CUDA devices, and the CPU where OpenVINO is missing or cannot convert a model.

The only file that imports ``torch`` (the static lane and OpenVINO lanes of a prepared model never load it).
"""

from __future__ import annotations

import copy
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from hybrid_embeddings.errors import LaneError, LaneOutOfMemory
from hybrid_embeddings.models import reference
from hybrid_embeddings.models.collate import collate
from hybrid_embeddings.types import Batch, ModelCard, Precision, Vectors

if TYPE_CHECKING:
    import torch
    from sentence_transformers import SentenceTransformer

_CPU_BATCH_TOKENS = 2048
_CUDA_BATCH_TOKENS = 16_384


def cuda_devices() -> list[str]:
    """Return ``cuda:0``, ``cuda:1``, … Loads torch only if an NVIDIA driver is there at all."""
    if not Path("/proc/driver/nvidia").exists() and not _windows_driver():
        return []
    import torch

    return [f"cuda:{index}" for index in range(torch.cuda.device_count())] if torch.cuda.is_available() else []


def _windows_driver() -> bool:
    import os
    import sys

    return sys.platform == "win32" and Path(os.environ.get("SYSTEMROOT", "C:/Windows"), "System32/nvcuda.dll").exists()


class TorchLane:
    """One replica of the model on one device. A replica is never moved: each device has its own."""

    def __init__(self, source: Path, card: ModelCard, device: str, *, precision: Precision) -> None:
        """Load the model onto ``device``.

        Raises:
            ModelUnsupported: sentence-transformers cannot load it.
            LaneError: the device is not there or has no room.
        """
        import torch

        self.name = "cpu:torch" if device == "cpu" else device
        self.device = device
        self._card = card
        self._torch = torch
        self._lock = threading.Lock()
        on_cuda = device.startswith("cuda")
        dtype = torch.float32
        if precision == "fast" and on_cuda:
            dtype = torch.float16
        self.numeric_class = str(dtype).removeprefix("torch.")
        # The second slot pads and copies while the first one computes.
        self.n_slots = 2 if on_cuda else 1
        self.max_batch_tokens = _CUDA_BATCH_TOKENS if on_cuda else _CPU_BATCH_TOKENS
        try:
            self._model: Any = reference.load(source, device).to(dtype)
        except RuntimeError as error:
            raise LaneError(f"{device}: {error}") from error
        self._exact = self._model if dtype == torch.float32 else None

    def run(self, batch: Batch) -> Vectors:
        """See :class:`hybrid_embeddings.ports.Lane`."""
        torch = self._torch
        model = self._exact_model() if batch.exact else self._model
        try:
            with torch.inference_mode():
                features = self._features(batch)
                if batch.prompt_tokens:
                    features["prompt_length"] = batch.prompt_tokens
                vectors = model(features)["sentence_embedding"]
                return np.array(vectors.float().cpu().numpy(), dtype=np.float32)
        except torch.OutOfMemoryError as error:
            raise LaneOutOfMemory(str(error)) from error
        except RuntimeError as error:
            if "alloc" in str(error).lower():
                raise LaneOutOfMemory(str(error)) from error
            raise LaneError(f"{self.device}: {error}") from error

    def close(self) -> None:
        """See :class:`hybrid_embeddings.ports.Lane`."""
        self._model = self._exact = None
        if self.device.startswith("cuda"):
            self._torch.cuda.empty_cache()

    def _features(self, batch: Batch) -> dict[str, Any]:
        arrays = {name: self._torch.from_numpy(array) for name, array in collate(batch, self._card).items()}
        if self.device == "cpu":
            return arrays
        return {name: array.pin_memory().to(self.device, non_blocking=True) for name, array in arrays.items()}

    def _exact_model(self) -> Any:
        with self._lock:
            if self._exact is None:
                self._exact = copy.deepcopy(self._model).float()
            return self._exact


def traceable(model: SentenceTransformer, card: ModelCard) -> tuple[torch.nn.Module, dict[str, torch.Tensor]]:
    """Return a module from token arrays to sentence vectors, and example inputs to trace it with.

    The example is padded, so that no branch for batches without padding is frozen into the trace.
    """
    import torch

    class SentenceVectors(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.model = model

        def forward(
            self,
            input_ids: torch.Tensor,
            attention_mask: torch.Tensor,
            token_type_ids: torch.Tensor | None = None,
        ) -> torch.Tensor:
            features = {"input_ids": input_ids, "attention_mask": attention_mask}
            if token_type_ids is not None:
                features["token_type_ids"] = token_type_ids
            vectors: torch.Tensor = self.model(features)["sentence_embedding"]
            return vectors

    ids = torch.ones((2, 7), dtype=torch.int64)
    mask = ids.clone()
    mask[1, 5:] = 0
    example = {"input_ids": ids, "attention_mask": mask, "token_type_ids": torch.zeros_like(ids)}
    return SentenceVectors().eval(), {name: example[name] for name in card.input_names}
