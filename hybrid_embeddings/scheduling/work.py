"""The units of work: an item is one text to compute, a job is one caller waiting for several items."""

from __future__ import annotations

import threading
from collections.abc import Hashable
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from hybrid_embeddings.types import TokenizedText, Vectors


@dataclass(slots=True, eq=False)
class Item:
    """One text that some lane has to compute. Guarded by the lock of the dispatcher."""

    key: Hashable  # equal keys, equal vectors: calls that run at the same time share the item
    text: TokenizedText
    is_query: bool = False
    device: str | None = None  # the caller insists on it
    prompt_tokens: int = 0
    exact: bool = False  # must be computed in float32
    source: str = ""  # the text itself, for who is told of its vector
    origin: Any = None  # where the text belongs, likewise
    subscribers: list[tuple[Job, int]] = field(default_factory=list)
    failures: dict[str, list[str]] = field(default_factory=dict)  # lane → what happened there, each time
    done: bool = False
    returned: bool = False  # waits again, because a lane failed
    turn: int = 0  # of the call that queued it; lower ones came before

    @property
    def length(self) -> int:
        """Tokens of the text; at least 1, because an empty row still costs."""
        return max(len(self.text.ids), 1)


class Job:
    """Rows that one call waits for. ``future`` ends with the vectors, float32 (n, dim), or an error."""

    def __init__(self, n_rows: int, dimension: int) -> None:
        self.vectors: Vectors = np.zeros((n_rows, dimension), dtype=np.float32)
        self.future: Future[Vectors] = Future()
        self.lanes: dict[str, int] = {}
        self.turn = 0  # among all jobs of a dispatcher, given with the first piece
        self._missing = n_rows
        self._lock = threading.Lock()
        self._ended = False
        if not n_rows:
            self.succeed()

    def deliver(self, row: int, vector: Vectors, lane: str) -> bool:
        """Take a vector of shape (dim,); return True when it was the last one. Called under a lock."""
        self.vectors[row] = vector
        self.lanes[lane] = self.lanes.get(lane, 0) + 1
        self._missing -= 1
        return self._missing == 0

    def succeed(self) -> None:
        """End the future with the vectors, unless it has ended or the caller has cancelled it."""
        if self._end():
            self.future.set_result(self.vectors)

    def fail(self, error: Exception) -> None:
        """End the future with an error, unless it has ended or the caller has cancelled it."""
        if self._end():
            self.future.set_exception(error)

    def _end(self) -> bool:
        with self._lock:
            if self._ended:
                return False
            self._ended = True
        return self.future.set_running_or_notify_cancel()
