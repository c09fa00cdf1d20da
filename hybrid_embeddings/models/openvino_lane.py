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

from hybrid_embeddings.errors import LaneError, MissingDependencyError, ModelUnsupported
from hybrid_embeddings.models.collate import collate
from hybrid_embeddings.models.folders import built_folder
from hybrid_embeddings.models.lane_check import TOLERANCE
from hybrid_embeddings.models.openvino_graph import SINGLE_WIDTHS, Graph, SingleGraphs
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
# Single short texts have graphs of their own if the weights in float32 (a copy of which each of them holds, at half
# the size or less) are not larger than this.
_LARGEST_COPIED_BYTES = 2**27


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
        self._core: Any = _core()
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
        self._hint = "bf16" if wants_half else "f32"
        self._usual = Graph(self._compile(graph, self._hint))
        self._exact = None if wants_half else self._usual
        is_small = graph.with_suffix(".bin").stat().st_size <= _LARGEST_COPIED_BYTES
        self._singles = SingleGraphs(self._compile_single, tolerance=TOLERANCE[precision]) if is_small else None
        self._lock = threading.Lock()

    def run(self, batch: Batch) -> Vectors:
        """See :class:`hybrid_embeddings.ports.Lane`."""
        is_short = len(batch.texts) == 1 and batch.width <= max(SINGLE_WIDTHS)
        inputs = collate(batch, self._card, width_multiple=SINGLE_WIDTHS[0] if is_short else _WIDTH_MULTIPLE)
        if batch.exact:
            return self._exact_graph().infer(inputs)
        if self._singles is None:
            return self._usual.infer(inputs)
        if (graph := self._singles.find(inputs)) is not None:
            return graph.infer(inputs)
        vectors = self._usual.infer(inputs)
        self._singles.note(inputs, vectors)
        return vectors

    def settle(self) -> None:
        """See :class:`hybrid_embeddings.ports.WorksInBackground`."""
        if self._singles is not None:
            self._singles.settle()

    def close(self) -> None:
        """See :class:`hybrid_embeddings.ports.Lane`."""
        if self._singles is not None:
            self._singles.close()
        with self._lock:
            for graph in (self._usual, self._exact):
                if graph is not None:
                    graph.close()
            # Here, when nobody is at work, and not whenever the garbage collector comes by, on whatever thread.
            self._core = None

    def _compile(self, graph: Any, hint: str, *, cached: bool = True) -> Any:
        options = {**self._options, "INFERENCE_PRECISION_HINT": hint}
        if not cached:
            options.pop("CACHE_DIR", None)
        try:
            return self._core.compile_model(graph, "CPU", options)
        except RuntimeError as error:
            raise ModelUnsupported(f"OpenVINO cannot compile {self._graph}: {error}") from error

    def _compile_single(self, width: int) -> Graph:
        model = self._core.read_model(self._graph)
        model.reshape({each.any_name: [1, width] for each in model.inputs})
        # Not kept on disk: reading it back takes as long as compiling.
        return Graph(self._compile(model, self._hint, cached=False))

    def _exact_graph(self) -> Graph:
        with self._lock:
            if self._core is None:
                raise LaneError("OpenVINO: the lane is closed")
            if self._exact is None:
                self._exact = Graph(self._compile(self._graph, "f32"))
            return self._exact


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
    from hybrid_embeddings.models import reference
    from hybrid_embeddings.models.torch_lane import traceable

    module, example = traceable(reference.load(source), card)
    try:
        with reference.quiet_loading(), warnings.catch_warnings():
            # Tracing warns about branches that depend on Python values; the lane check is what proves the graph.
            warnings.simplefilter("ignore")
            _save(module, example, path)
    except Exception as error:
        raise ModelUnsupported(f"OpenVINO cannot convert the model: {type(error).__name__}: {error}") from error


def _save(module: Any, example: dict[str, Any], path: Path) -> None:
    """Trace a torch module of int64 inputs (rows, width), and write it as a graph.

    ``openvino.convert_model`` does the same, but reports every use over the network unless the user has opted out.
    """
    import openvino
    from openvino.frontend import FrontEndManager
    from openvino.frontend.pytorch.ts_decoder import TorchScriptPythonDecoder

    # Native code refers to the decoder and to its weights until the graph is written.
    decoder = TorchScriptPythonDecoder(module, example_input=example)
    frontend = FrontEndManager().load_by_framework("pytorch")
    traced = frontend.load(decoder)
    for place in traced.get_inputs():
        traced.set_partial_shape(place, openvino.PartialShape([-1, -1]))
        traced.set_element_type(place, openvino.Type.i64)
    openvino.save_model(frontend.convert(traced), str(path), compress_to_fp16=False)
    del decoder
