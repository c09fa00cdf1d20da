"""What computes one batch of a job. A plain class: a distributed engine makes it where it needs it, and calls it.

Ray Data, which hands over a dictionary of columns:

    dataset.map_batches(EmbeddingWorker, fn_constructor_kwargs={"column": "text"}, batch_size=2048, concurrency=4)

Spark, whose ``mapInPandas`` hands over an iterator of frames:

    worker = EmbeddingWorker()

    def embedded(frames):
        for part in frames:
            yield part.assign(vector=list(worker.embed(part["text"])[0]))

    frame.mapInPandas(embedded, schema)
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from hybrid_embeddings.errors import InputError
from hybrid_embeddings.settings import Settings
from hybrid_embeddings.types import Kind, OnTruncate, Report, Vectors

if TYPE_CHECKING:
    from hybrid_embeddings.service import EmbeddingService


class EmbeddingWorker:
    """Embeds batches with an engine that it loads at the first one. Can be pickled; a copy loads an engine of its own.

    Threads may share a worker. Rows of a result are in the order of the batch.
    """

    def __init__(
        self,
        settings: Settings | None = None,
        *,
        column: str = "text",
        vector_column: str = "vector",
        kind: Kind = "document",
        on_truncate: OnTruncate = "ignore",
    ) -> None:
        """Take the options; nothing is loaded.

        Args:
            settings: of the engine; None: environment, ``.env`` and defaults of the place where it is loaded.
            column: name of the texts in batches that are dictionaries.
            vector_column: name under which the vectors are put there.
            kind: which prompt of the model goes before the texts.
            on_truncate: what to do with texts that are longer than the model reads.
        """
        self._settings = settings
        self.column = column
        self.vector_column = vector_column
        self.kind: Kind = kind
        self.on_truncate: OnTruncate = on_truncate
        self._service: EmbeddingService | None = None
        self._lock = threading.Lock()

    @property
    def service(self) -> EmbeddingService:
        """The engine; made at the first use."""
        with self._lock:
            if self._service is None:
                from hybrid_embeddings.service import EmbeddingService

                self._service = EmbeddingService(settings=self._settings or Settings.load())
            return self._service

    def embed(self, texts: Iterable[str]) -> tuple[Vectors, Report]:
        """Embed texts. Returns float32, shape (n, dim), and the receipt.

        Raises:
            InputError, EncodeError: see `EmbeddingService.encode`.
        """
        return self.service.encode(list(texts), kind=self.kind, on_truncate=self.on_truncate, return_report=True)

    def __call__(self, batch: Mapping[str, Any]) -> dict[str, Any]:
        """Return the batch with a further column, float32, shape (n, dim).

        Raises:
            InputError: the batch has no such column; lists those that it has.
        """
        if self.column not in batch:
            raise InputError(f"the batch has no column {self.column!r}; it has {', '.join(map(repr, batch))}")
        vectors, _ = self.embed(str(text) if isinstance(text, np.str_) else text for text in batch[self.column])
        return {**batch, self.vector_column: vectors}

    def close(self) -> None:
        """Give the engine back. Idempotent."""
        service, self._service = self._service, None
        if service is not None:
            service.close()

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name != "_lock"} | {"_service": None}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state, _lock=threading.Lock())
