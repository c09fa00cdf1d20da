"""What the demo needs from outside itself: one thing that turns text into vectors."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from hybrid_embeddings.events import Events
from rag_demo.types import Document

Vectors = npt.NDArray[np.float32]


class Embedder(Protocol):
    """Turns texts into vectors of one fixed space. ``hybrid_embeddings.EmbeddingService`` is one."""

    @property
    def fingerprint(self) -> str:
        """Changes whenever the same text could get another vector: weights, tokenizer, prompts."""

    @property
    def model_name(self) -> str:
        """The name a user knows the model by."""

    @property
    def dimension(self) -> int:
        """Length of every vector."""

    def encode_documents(self, texts: list[str]) -> Vectors:
        """Vectors of passages, float32 ``(len(texts), dimension)``, in the order of ``texts``."""

    def encode_query(self, text: str) -> Vectors:
        """Vector of one question, float32 ``(dimension,)``."""

    def close(self) -> None:
        """Release threads and memory. May be called twice."""


@runtime_checkable
class WritesPassages(Protocol):
    """An embedder that says itself what of a document it wants to see."""

    def passage(self, document: Document) -> str:
        """The text of ``document`` that `Embedder.encode_documents` is to be given."""


@runtime_checkable
class Observable(Protocol):
    """An embedder that tells what it does."""

    @property
    def events(self) -> Events:
        """Where to subscribe."""
