"""The lane on torch: CUDA devices, and the CPU where OpenVINO is missing or cannot convert a model.

Only the torch and CUDA files of this folder import ``torch``, and only when a lane is made (the static lane and
OpenVINO lanes of a prepared model never load it).
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from hybrid_embeddings.errors import HybridEmbeddingsError, LaneError, LaneOutOfMemory
from hybrid_embeddings.models import reference
from hybrid_embeddings.models.cuda_attention import FlatKernel, attention_function
from hybrid_embeddings.models.lane_check import cosine_distances
from hybrid_embeddings.models.layouts import Flat, Layout, Padded
from hybrid_embeddings.models.memory_pool import PoolStats
from hybrid_embeddings.models.torch_device import TorchDevice
from hybrid_embeddings.models.torch_numeric import halve_linear_layers, true_float32
from hybrid_embeddings.types import Batch, MemoryReading, ModelCard, TokenIds, TokenizedText, Vectors

if TYPE_CHECKING:
    import torch
    from sentence_transformers import SentenceTransformer

_log = logging.getLogger("hybrid_embeddings")
_Result = TypeVar("_Result")

_ATTENTION = "hybrid_embeddings_flat"
# Both ways of attention round differently in half precision; a layout that a model does not understand is far off.
_FLAT_TOLERANCE = 1e-3
_OUT_OF_MEMORY = ("out of memory", "alloc_failed", "bad_alloc", "can't allocate", "not enough memory")


class TorchLane:
    """One replica of the model on one device. A replica is never moved: each device has its own."""

    def __init__(self, source: Path, card: ModelCard, device: TorchDevice, *, numeric_class: str) -> None:
        """Load the model onto ``device``.

        Args:
            source: directory of the original model.
            card: facts about it.
            device: where it runs.
            numeric_class: ``float16``, ``bfloat16`` or ``float32``. On the CPU only products are in bfloat16.

        Raises:
            ModelUnsupported: sentence-transformers cannot load it.
            LaneError: the device is not there or has no room.
        """
        import torch

        self.name = "cpu:torch" if device.name == "cpu" else device.name
        self.device = device.name
        self.numeric_class = numeric_class
        self.n_slots = device.n_slots
        self._source, self._card, self._device = source, card, device
        self._torch = torch
        self._lock = threading.Lock()
        self._padded = Padded(card, width_multiple=device.width_multiple)
        self._layout: Layout = self._padded
        self._model: Any = self._guarded(lambda: self._load(numeric_class))
        self._exact = self._model if numeric_class == "float32" else None
        self.max_batch_tokens = device.batch_tokens(_n_weights(self._model))
        if device.flat_kernel is not None and numeric_class != "float32":
            self._guarded(partial(self._try_flat, device.flat_kernel))
        self._guarded(lambda: device.preallocate(*self._buffer_bytes()))

    @property
    def is_flat(self) -> bool:
        """Whether batches run without padding."""
        return self._layout is not self._padded

    def run(self, batch: Batch) -> Vectors:
        """See :class:`hybrid_embeddings.ports.Lane`."""
        # A text without any token (a model without special tokens) has no place among texts without padding, and a
        # model that goes without padding cannot go with it.
        is_odd = self.is_flat and not all(len(text.ids) for text in batch.texts)
        if batch.exact or is_odd or self.numeric_class == "float32":
            return self._guarded(lambda: self._compute_exact(batch))
        return self._guarded(lambda: self._compute(batch, self._model, self._layout))

    def close(self) -> None:
        """See :class:`hybrid_embeddings.ports.Lane`."""
        self._model = self._exact = None
        self._device.release()

    def memory(self) -> MemoryReading:
        """See :class:`hybrid_embeddings.ports.ReportsMemory`."""
        return self._device.memory()

    def pool_stats(self) -> Mapping[str, PoolStats]:
        """See :class:`hybrid_embeddings.ports.PooledMemory`."""
        return self._device.pool_stats()

    def _load(self, numeric_class: str) -> Any:
        model = reference.load(self._source, self._device.name)
        if numeric_class == "bfloat16" and self._device.name == "cpu":
            halve_linear_layers(model)
        else:
            model.to(getattr(self._torch, numeric_class))
        self._device.settle()
        return model

    def _exact_model(self) -> Any:
        with self._lock:
            if self._exact is None:  # from the files: weights that were rounded once stay rounded
                self._exact = self._load("float32")
            return self._exact

    def _compute_exact(self, batch: Batch) -> Vectors:
        model = self._exact_model()
        with true_float32():
            return self._compute(batch, model, self._padded)

    def _compute(self, batch: Batch, model: Any, layout: Layout) -> Vectors:
        """Run the model. Buffers are given back when the device is done with them, whatever happens."""
        torch, device = self._torch, self._device
        shape = (len(batch.texts), self._card.dimension)
        n_input, n_output = 8 * layout.size(batch), 4 * shape[0] * shape[1]
        with (
            device.host.lease(n_input) as staging,
            device.mirror(n_input) as upload,
            device.host.lease(n_output) as landing,
        ):
            block = staging[:n_input].view(torch.int64)
            layout.fill(batch, block.numpy())
            result = landing[:n_output].view(torch.float32).view(shape)
            with device.slot():
                vectors = model(layout.features(batch, upload(block)))["sentence_embedding"]
                result.copy_(vectors.float(), non_blocking=True)
            return np.array(result.numpy())

    def _buffer_bytes(self) -> tuple[int, int]:
        """Return the bytes of a full batch: its inputs, and its vectors if texts have 32 tokens."""
        return 8 * 4 * self.max_batch_tokens, 4 * self._card.dimension * max(self.max_batch_tokens // 32, 1)

    def _try_flat(self, kernel: FlatKernel) -> None:
        """Go over to attention without padding if the model gives the same vectors with it.

        Whether libraries and model support it is not asked but tried: three short texts, both ways.
        """
        batch = _probe(reference.vocabulary_size(self._model), self._card.pad_id)
        expected = self._compute(batch, self._model, self._padded)
        before = reference.attention(self._model)
        try:
            first_position = reference.use_flat_attention(self._model, _ATTENTION, attention_function(kernel))
            layout = Flat(self._card, first_position=first_position)
            worst = float(cosine_distances(self._compute(batch, self._model, layout), expected).max())
            if worst <= _FLAT_TOLERANCE:
                self._layout = layout
                return
            why = f"1-cos {worst:.1e} to the padded batch"
        # Any error of any library here means: not with this model, on this device, in these versions.
        except Exception as error:  # noqa: BLE001 - see above
            why = f"{type(error).__name__}: {error}"
        reference.use_attention(self._model, before)
        _log.info("%s pads its batches: %s", self.name, why)

    def _guarded(self, work: Callable[[], _Result]) -> _Result:
        """Raise our errors for those of torch; after a lack of memory, free what can be freed first."""
        try:
            return work()
        except HybridEmbeddingsError:
            raise
        except (RuntimeError, MemoryError) as error:
            text = f"{self.device}: {error}"
            is_memory = isinstance(error, MemoryError) or any(mark in text.lower() for mark in _OUT_OF_MEMORY)
        # Out of the handler and without a cause: the traceback of the error kept the activations alive.
        if is_memory:
            self._device.release()
            raise LaneOutOfMemory(text)
        raise LaneError(text)


def _n_weights(model: Any) -> int:
    """Count the weights that every token is multiplied with: all but those of embeddings."""
    tables = [layer for layer in model.modules() if hasattr(layer, "num_embeddings")]
    n_looked_up = sum(weight.numel() for table in tables for weight in table.parameters())
    return int(sum(weight.numel() for weight in model.parameters()) - n_looked_up)


def _probe(vocabulary_size: int, pad_id: int) -> Batch:
    """Return three texts of different lengths, of ids that every vocabulary has.

    Without the padding id: some models take it for padding wherever it stands.
    """
    ids: TokenIds = np.arange(24, dtype=np.int32) % np.int32(vocabulary_size - 1)
    ids += ids >= pad_id
    return Batch((TokenizedText(ids[:5]), TokenizedText(ids[5:17]), TokenizedText(ids[17:])))


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
