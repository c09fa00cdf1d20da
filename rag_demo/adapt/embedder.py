"""Documents and questions through an adapted model: fields apart, then together."""

from __future__ import annotations

import numpy as np

from hybrid_embeddings.events import Events
from rag_demo.adapt.fields import WEIGHTS, layered_passage, mix, split_passage
from rag_demo.ports import Embedder, Observable, Vectors
from rag_demo.types import Document


class FieldEmbedder:
    """An `Embedder` that turns each field of a passage into a vector of its own and adds the unit vectors up.

    Passages come from `passage`; any other text is taken for a body. Equal fields are encoded once, and the cache of
    the service below sees plain texts.
    """

    def __init__(self, service: Embedder, *, name: str) -> None:
        """Take the service that encodes single texts, and close it in the end. ``name``: what to call the model."""
        self._service = service
        self._name = name

    @property
    def fingerprint(self) -> str:
        """That of the service, with the weights of the fields."""
        return f"{self._service.fingerprint}/{'-'.join(map(str, WEIGHTS))}"

    @property
    def model_name(self) -> str:
        """The name a user knows the model by."""
        return self._name

    @property
    def dimension(self) -> int:
        """Length of every vector."""
        return self._service.dimension

    @property
    def events(self) -> Events:
        """Those of the service; none if it has none."""
        return self._service.events if isinstance(self._service, Observable) else Events()

    def passage(self, document: Document) -> str:
        """The fields of a document, a line for each."""
        return layered_passage(document)

    def encode_documents(self, texts: list[str]) -> Vectors:
        """Unit vectors of passages, float32 ``(len(texts), dimension)``; zero where no field has a known word."""
        split = [split_passage(text) for text in texts]
        places = {
            field: place for place, field in enumerate(dict.fromkeys(text for fields in split for text in fields))
        }
        if not places:
            return np.zeros((0, self.dimension), dtype=np.float32)
        vectors = self._service.encode_documents(list(places))
        return mix([vectors[[places[fields[number]] for fields in split]] for number in range(len(WEIGHTS))])

    def encode_query(self, text: str) -> Vectors:
        """Vector of one question, float32 ``(dimension,)``."""
        return self._service.encode_query(text)

    def close(self) -> None:
        """Close the service below."""
        self._service.close()
