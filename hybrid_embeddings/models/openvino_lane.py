"""The CPU lane on OpenVINO. The only file that imports ``openvino``.

The transformer with the model's own pooling and normalisation becomes one graph with dynamic shapes. It is
converted once per model (which needs torch) and read from disk afterwards (which does not).
"""

from __future__ import annotations

import os
import threading
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from hybrid_embeddings.errors import LaneError, LaneOutOfMemory, MissingDependencyError, ModelUnsupported
from hybrid_embeddings.models.collate import collate
from hybrid_embeddings.models.folders import built_folder
from hybrid_embeddings.models.prepared import PreparedModel
from hybrid_embeddings.types import Batch, ModelCard, Precision, Vectors

if TYPE_CHECKING:
    import openvino

# Measured with all-MiniLM-L6-v2: below 1,024 tokens the overhead of a request shows, above 4,096 the
# activations leave the caches.
_BATCH_TOKENS = 2048
# Widths are rounded up to a multiple: every new shape costs a preparation inside OpenVINO, and kernels like
# full registers. Costs 4–8 % padding, wins more.
_WIDTH_MULTIPLE = 8


class OpenVinoLane:
    """One compiled model, one infer request per slot."""

    name = "cpu"
    device = "cpu"

    def __init__(self, model: PreparedModel, *, precision: Precision, n_threads: int) -> None:
        """Convert the model if that was not done yet, and compile it.

        Raises:
            MissingDependencyError: OpenVINO is not installed.
            ModelUnsupported: OpenVINO cannot convert this model.
        """
        if not model.card.pools_prompt:
            raise ModelUnsupported("OpenVINO lane: the model leaves its prompt out of the pooling")
        self._card = model.card
        self._core = _core()
        graph = _exported(model)
        wants_half = precision == "fast" and "BF16" in self._core.get_property("CPU", "OPTIMIZATION_CAPABILITIES")
        self.numeric_class = "bfloat16" if wants_half else "float32"
        # One request that spreads over two cores is as fast as two requests on one core each, and a single
        # query gets both cores; a second request in flight hides the gaps between two.
        self.n_slots = 2 if n_threads > 1 else 1
        self.max_batch_tokens = _BATCH_TOKENS
        self._graph = graph
        self._options = {"PERFORMANCE_HINT": "LATENCY", "INFERENCE_NUM_THREADS": n_threads}
        if os.access(model.folder, os.W_OK):
            self._options["CACHE_DIR"] = str(model.folder / "compiled")
        self._compiled = self._compile("bf16" if wants_half else "f32")
        self._exact = None if wants_half else self._compiled
        self._lock = threading.Lock()
        self._idle: list[Any] = []

    def run(self, batch: Batch) -> Vectors:
        """See :class:`hybrid_embeddings.ports.Lane`."""
        inputs = collate(batch, self._card, width_multiple=_WIDTH_MULTIPLE)
        if batch.exact:
            return self._infer(self._exact_model().create_infer_request(), inputs)
        with self._lock:
            request = self._idle.pop() if self._idle else None
        request = request or self._compiled.create_infer_request()
        vectors = self._infer(request, inputs)
        # A request that raised is not used again.
        with self._lock:
            self._idle.append(request)
        return vectors

    def close(self) -> None:
        """See :class:`hybrid_embeddings.ports.Lane`."""
        self._idle.clear()
        self._compiled = self._exact = None

    def _compile(self, hint: str) -> Any:
        options = {**self._options, "INFERENCE_PRECISION_HINT": hint}
        try:
            return self._core.compile_model(str(self._graph), "CPU", options)
        except RuntimeError as error:
            raise ModelUnsupported(f"OpenVINO cannot compile {self._graph}: {error}") from error

    def _exact_model(self) -> Any:
        with self._lock:
            if self._exact is None:
                self._exact = self._compile("f32")
            return self._exact

    @staticmethod
    def _infer(request: Any, inputs: dict[str, np.ndarray[Any, Any]]) -> Vectors:
        try:
            request.infer(inputs)
        except MemoryError as error:
            raise LaneOutOfMemory(str(error)) from error
        except RuntimeError as error:
            # OpenVINO reports a failed allocation as a RuntimeError whose text comes from the C++ library.
            if "bad_alloc" in str(error) or "out of memory" in str(error).lower():
                raise LaneOutOfMemory(str(error)) from error
            raise LaneError(f"OpenVINO: {error}") from error
        return np.array(request.get_output_tensor(0).data, dtype=np.float32)


def _core() -> openvino.Core:
    try:
        import openvino
    except ImportError as error:
        raise MissingDependencyError('OpenVINO is not installed; pip install "hybrid-embeddings[cpu]"') from error
    return openvino.Core()


def _exported(model: PreparedModel) -> Path:
    """Return the path of the converted graph; convert first if it is missing or damaged."""
    folder = built_folder(
        model.folder / "openvino", lambda draft: _convert(model.source, model.card, draft / "model.xml")
    )
    return folder / "model.xml"


def _convert(source: Path, card: ModelCard, path: Path) -> None:
    import openvino

    from hybrid_embeddings.models import reference
    from hybrid_embeddings.models.torch_lane import traceable

    module, example = traceable(reference.load(source), card)
    shapes = [(name, openvino.PartialShape([-1, -1]), openvino.Type.i64) for name in card.input_names]
    try:
        with reference.quiet_loading(), warnings.catch_warnings():
            # Tracing warns about branches that depend on Python values; the lane check is what proves the graph.
            warnings.simplefilter("ignore")
            graph = openvino.convert_model(module, example_input=example, input=shapes)
            openvino.save_model(graph, str(path), compress_to_fp16=False)
    except Exception as error:
        raise ModelUnsupported(f"OpenVINO cannot convert the model: {type(error).__name__}: {error}") from error
