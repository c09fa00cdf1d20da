"""Filling the three parts of a new generation from documents."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from rag_demo.index.catalogue import Catalogue
from rag_demo.index.passages import passage
from rag_demo.index.ports import DenseIndex, LexicalIndex
from rag_demo.ports import Embedder
from rag_demo.types import Document

# Stage, items done, items in all; done == total once at the end of each stage.
Progress = Callable[[str, int, int], None]
# Large enough for the engine to sort texts by length into full batches, small enough for a lively bar.
_BATCH = 512


@dataclass(frozen=True, slots=True)
class Parts:
    """The parts of one generation, open."""

    dense: DenseIndex
    lexical: LexicalIndex
    catalogue: Catalogue

    def close(self) -> None:
        """Close all three."""
        self.dense.close()
        self.lexical.close()
        self.catalogue.close()


def fill(
    parts: Parts,
    documents: Sequence[Document],
    *,
    embedder: Embedder,
    progress: Progress,
    before_vectors: Callable[[int], None] = lambda _: None,
) -> None:
    """Index ``documents`` in every part and seal them.

    Args:
        parts: new and empty.
        documents: each once.
        embedder: gives the vectors.
        progress: told after each batch.
        before_vectors: called before each batch of vectors with the number of documents that still want one; what
            it raises ends the work.
    """
    for batch, done in _batches(documents):
        parts.catalogue.add(batch)
        parts.lexical.add(batch)
        progress("words", done, len(documents))
    parts.catalogue.seal()
    parts.lexical.seal()
    for batch, done in _batches(documents):
        before_vectors(len(documents) - done + len(batch))
        parts.dense.add(batch, embedder.encode_documents([passage(document) for document in batch]))
        progress("vectors", done, len(documents))
    parts.dense.seal()


def content_digest(documents: Sequence[Document]) -> str:
    """Changes whenever an answer could: with any text, and with any line number."""
    digest = hashlib.blake2b(digest_size=16)
    for document in documents:
        where = (document.doc_id, document.path, str(document.line_start), str(document.line_end), document.text)
        for value in (*where, document.content_hash):
            encoded = value.encode()
            digest.update(len(encoded).to_bytes(8, "little") + encoded)
    return digest.hexdigest()


def counts(documents: Sequence[Document]) -> dict[str, int]:
    """Number of documents per ``doc_type``."""
    return dict(Counter(document.doc_type for document in documents))


def _batches(documents: Sequence[Document]) -> Iterator[tuple[Sequence[Document], int]]:
    for start in range(0, len(documents), _BATCH):
        batch = documents[start : start + _BATCH]
        yield batch, start + len(batch)
