"""The seams of the index: what a vector store and a word index must do, whichever they are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from rag_demo.ports import Vectors
from rag_demo.types import DocType, Document


class DocKey(NamedTuple):
    """Identity of a document over all spaces."""

    space_id: str
    doc_id: str


class Scored(NamedTuple):
    """One hit of one leg. ``score`` is in the unit of that leg; larger is better."""

    key: DocKey
    score: float


@dataclass(frozen=True, slots=True)
class Where:
    """Filter of a search. An empty tuple restricts nothing."""

    space_ids: tuple[str, ...] = ()
    doc_types: tuple[DocType, ...] = ()


EVERYWHERE = Where()


class DenseIndex(Protocol):
    """Nearest vectors by cosine. Filled once, then sealed, then searched."""

    def add(self, documents: Sequence[Document], vectors: Vectors) -> None:
        """Store ``vectors``, float32 ``(len(documents), dimension)``; a known document is replaced."""

    def seal(self) -> None:
        """Build the search structures and bring everything to disk."""

    def search(self, vector: Vectors, limit: int, *, where: Where = EVERYWHERE) -> list[Scored]:
        """The ``limit`` nearest documents to ``vector`` ``(dimension,)`` that pass ``where``, best first."""

    def count(self, where: Where = EVERYWHERE) -> int:
        """Number of documents that pass ``where``."""

    def close(self) -> None:
        """Let go of the files. May be called twice."""


class LexicalIndex(Protocol):
    """Best documents by their words. Filled once, then sealed, then searched."""

    def add(self, documents: Sequence[Document]) -> None:
        """Index the words of documents that are not in the index yet."""

    def seal(self) -> None:
        """Bring everything to disk and make it searchable."""

    def search(self, terms: Sequence[str], limit: int, *, where: Where = EVERYWHERE) -> list[Scored]:
        """The ``limit`` best documents for any of the analysed ``terms`` that pass ``where``, best first."""

    def frequency(self, term: str) -> int:
        """In how many documents the analysed ``term`` stands, in the field where it is most frequent."""

    def count(self) -> int:
        """Number of documents."""

    def close(self) -> None:
        """Let go of the files. May be called twice."""
