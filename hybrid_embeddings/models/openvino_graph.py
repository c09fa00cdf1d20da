"""Compiled graphs with their infer requests, and graphs of fixed shape for single short texts.

OpenVINO prepares a graph with dynamic shapes anew whenever the shape of its input changes: 2 ms for the 150 nodes of
all-MiniLM-L6-v2, as much as a short text itself takes. A graph of fixed shape is prepared once. What comes alone is
short (a query), so few such graphs pay off; each costs the memory of the weights again.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from hybrid_embeddings.errors import LaneError, LaneOutOfMemory
from hybrid_embeddings.models.lane_check import cosine_distances
from hybrid_embeddings.types import Vectors

Inputs = dict[str, npt.NDArray[np.int64]]
"""Inputs of the model by name, each int64, shape (rows, width)."""

SINGLE_WIDTHS = (16, 32)
# A width gets a graph of its own when a text has come alone so often: compiling takes 0.3 s on two cores.
_WORTH_A_GRAPH = 4

_log = logging.getLogger("hybrid_embeddings")


class Graph:
    """A compiled graph. Every thread at work borrows an infer request of its own."""

    def __init__(self, compiled: Any) -> None:
        self._compiled = compiled
        self._changed = threading.Condition()
        self._idle: list[Any] = []
        self._n_at_work = 0
        self._closed = False

    def infer(self, inputs: Inputs) -> Vectors:
        """Return the vectors of a batch: float32, (rows, dim), owned by the caller.

        Raises:
            LaneOutOfMemory: the batch does not fit.
            LaneError: anything else, or the graph is closed.
        """
        with self._changed:
            if self._closed:
                raise LaneError("OpenVINO: the lane is closed")
            self._n_at_work += 1
            request = self._idle.pop() if self._idle else None
        try:
            request = request or self._compiled.create_infer_request()
            vectors = _infer(request, inputs)
            self._idle.append(request)  # one that raised is not used again
            return vectors
        finally:
            with self._changed:
                self._n_at_work -= 1
                self._changed.notify_all()

    def close(self) -> None:
        """Wait for those who are at work, then give the memory back: nothing is torn down under a running request."""
        with self._changed:
            self._closed = True
            self._changed.wait_for(lambda: not self._n_at_work)
            self._idle.clear()
            self._compiled = None


class SingleGraphs:
    """Graphs for one row of few tokens, compiled in the background once a width turns out to be usual."""

    def __init__(self, compile_graph: Callable[[int], Graph], *, tolerance: float) -> None:
        """Take what compiles the graph for one row of a width, on a thread of its own.

        A graph is used if 1 - cosine to the vector of the usual graph is within ``tolerance`` on its first text.
        """
        self._compile_graph = compile_graph
        self._tolerance = tolerance
        self._lock = threading.Lock()
        self._n_seen = dict.fromkeys(SINGLE_WIDTHS, 0)
        self._graphs: dict[int, Graph] = {}
        self._compiling: list[threading.Thread] = []
        self._closed = False

    def find(self, inputs: Inputs) -> Graph | None:
        """Return the graph for inputs of one row; None if there is none (yet)."""
        n_rows, width = next(iter(inputs.values())).shape
        if n_rows != 1 or width not in self._n_seen:
            return None
        with self._lock:
            return self._graphs.get(width)

    def note(self, inputs: Inputs, vectors: Vectors) -> None:
        """Tell of a batch that another graph computed, with its vectors: they are what a new graph is checked with."""
        n_rows, width = next(iter(inputs.values())).shape
        if n_rows != 1 or width not in self._n_seen:
            return
        with self._lock:
            self._n_seen[width] += 1
            if self._n_seen[width] != _WORTH_A_GRAPH or self._closed:
                return
            name = f"hybrid-embeddings-graph-{width}"
            thread = threading.Thread(target=self._add, args=(width, inputs, vectors), name=name, daemon=True)
            self._compiling.append(thread)
            thread.start()

    def settle(self) -> None:
        """Wait for graphs that are being compiled."""
        for thread in list(self._compiling):
            thread.join()

    def close(self) -> None:
        """Close all graphs, and wait for those that are being compiled."""
        with self._lock:
            self._closed = True
        self.settle()
        for graph in self._graphs.values():
            graph.close()

    def _add(self, width: int, inputs: Inputs, expected: Vectors) -> None:
        """Compile a graph, and use it if it gives the vectors of the one that passed the lane check."""
        try:
            graph = self._compile_graph(width)
            worst = float(cosine_distances(graph.infer(inputs), expected).max())
        # What fails here costs speed, never an answer: the other graph does all shapes.
        except Exception as error:  # noqa: BLE001 - see above
            _log.warning("no graph of its own for texts of %d tokens: %s", width, error)
            return
        if not worst <= self._tolerance:
            graph.close()
            _log.warning("no graph of its own for texts of %d tokens: 1-cos %.1e to the usual one", width, worst)
            return
        with self._lock:
            self._graphs[width] = graph


def _infer(request: Any, inputs: Inputs) -> Vectors:
    try:
        request.infer(inputs)
    except MemoryError as error:
        raise LaneOutOfMemory(str(error)) from error
    except RuntimeError as error:
        # OpenVINO reports a failed allocation as a RuntimeError whose text comes from the C++ library.
        if "bad_alloc" in str(error) or "out of memory" in str(error).lower():
            raise LaneOutOfMemory(str(error)) from error
        raise LaneError(f"OpenVINO: {error}") from error
    # A copy: the memory of the result belongs to the request and is written again by the next batch.
    return np.array(request.get_output_tensor(0).data, dtype=np.float32)
