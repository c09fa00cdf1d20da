"""The seams of the index: what a vector store and a word index must do, whichever they are.

Both are versioned by one number, the *revision* of a space. A row is visible at revision ``r`` while
``gen_from <= r < gen_to``; a row that nobody retired has no end. Writers add and retire for the next revision, the
manifest is switched to it, and only then are retired rows deleted: a reader sees one revision, never a mix.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from rag_demo.ports import Vectors
from rag_demo.types import DocType, Document

FIRST_REVISION = 1


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
    """Filter of a search. An empty tuple restricts nothing.

    Attributes:
        space_ids: spaces.
        doc_types: sorts of documents.
        kinds: English kinds of the objects that documents belong to: "Catalog".
    """

    space_ids: tuple[str, ...] = ()
    doc_types: tuple[DocType, ...] = ()
    kinds: tuple[str, ...] = ()

    def fields(self) -> dict[str, tuple[str, ...]]:
        """The wanted values of each field that restricts, by the name that it has in every index."""
        wanted = {"space_id": self.space_ids, "doc_type": self.doc_types, "object_kind": self.kinds}
        return {name: values for name, values in wanted.items() if values}


EVERYWHERE = Where()


def version_of(document: Document) -> str:
    """Identity of what is indexed of a document: 32 hexadecimal digits that change with its content, not its lines."""
    fields = (document.space_id, document.doc_id, document.doc_type, document.content_hash)
    content = "".join(f"{len(field)}:{field}" for field in fields)
    return hashlib.blake2b(content.encode("utf-8", errors="surrogatepass"), digest_size=16).hexdigest()


class DenseReader(Protocol):
    """Nearest vectors by cosine at one revision. Safe to call from several threads, also while the index is written."""

    def search(self, vector: Vectors, limit: int, *, where: Where = EVERYWHERE) -> list[Scored]:
        """The ``limit`` nearest documents to ``vector`` ``(dimension,)`` that pass ``where``, best first."""

    def count(self, where: Where = EVERYWHERE) -> int:
        """Number of documents that pass ``where``."""

    def close(self) -> None:
        """Let go of the files. May be called twice."""


class LexicalReader(Protocol):
    """Best documents by their words at one revision. Safe to call from several threads."""

    def search(
        self, terms: Sequence[str], limit: int, *, where: Where = EVERYWHERE, others: Sequence[str] = ()
    ) -> list[Scored]:
        """The ``limit`` best documents for any of the analysed ``terms`` that pass ``where``, best first.

        Each of ``others`` counts `OTHER_WORD` of a term.
        """

    def frequency(self, term: str) -> int:
        """In how many documents the analysed ``term`` stands, in the field where it is most frequent."""

    def count(self) -> int:
        """Number of documents."""

    def close(self) -> None:
        """Let go of the files. May be called twice."""


class VersionedIndex(Protocol):
    """What both sorts of index have in common for the one process that writes them."""

    def retire(self, versions: Collection[str], *, revision: int) -> None:
        """Let rows end: from ``revision`` on they are not visible. Unknown versions are ignored."""

    def collect(self, revision: int) -> None:
        """Delete what ended at or before ``revision``, and undo what an update to a later one left behind.

        Rows that begin later are deleted, rows that end later go on. Call it only where no reader of an earlier
        revision is left, before an update and after the switch to it.
        """

    def seal(self) -> None:
        """Bring everything to disk and make it searchable for readers that are opened from now on."""

    def versions(self) -> set[str]:
        """Versions of all rows that have no end."""

    def close(self) -> None:
        """Let go of the files, once all readers are closed too; what was not sealed is lost. May be called twice."""


class DenseIndex(VersionedIndex, Protocol):
    """An index of vectors, to write."""

    def check(self) -> None:
        """Raise IndexBroken or VectorsAway unless it is there and can be written."""

    def add(self, documents: Sequence[Document], vectors: Vectors, *, revision: int = FIRST_REVISION) -> None:
        """Store rows that begin at ``revision``; one of the same version is replaced.

        Args:
            documents: what is found.
            vectors: float32 ``(len(documents), dimension)``.
            revision: the first at which they are visible.
        """

    def at(self, revision: int) -> DenseReader:
        """A reader of that revision. It shares the open files."""


class LexicalIndex(VersionedIndex, Protocol):
    """An index of words, to write."""

    def add(self, documents: Sequence[Document], *, revision: int = FIRST_REVISION) -> None:
        """Index the words of documents; their versions must not be in the index."""

    def at(self, revision: int) -> LexicalReader:
        """A reader of that revision, of what was sealed."""
