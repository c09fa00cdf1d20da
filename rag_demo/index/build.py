"""Writing documents into the four parts of an index, whether it is new or brought up to date."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from rag_demo.index.catalogue import Catalogue
from rag_demo.index.fact_store import FactStore
from rag_demo.index.passages import passage
from rag_demo.index.ports import FIRST_REVISION, DenseIndex, LexicalIndex, version_of
from rag_demo.index.states import FileState
from rag_demo.ingest import FileRead, Problem
from rag_demo.ingest.facts import Fact
from rag_demo.ports import Embedder, Vectors, WritesPassages
from rag_demo.types import Document

# Stage, items done, items in all; done == total once at the end of each stage.
Progress = Callable[[str, int, int], None]
# Large enough for the engine to sort texts by length into full batches, small enough for a lively bar.
_BATCH = 512


@dataclass(frozen=True, slots=True)
class Parts:
    """The parts of one generation, open to write."""

    dense: DenseIndex
    lexical: LexicalIndex
    catalogue: Catalogue
    facts: FactStore

    def collect(self, revision: int) -> None:
        """See `VersionedIndex`. The catalogue comes last: the others are mended from what it holds."""
        for part in (self.dense, self.lexical, self.facts, self.catalogue):
            part.collect(revision)
            part.seal()

    def close(self) -> None:
        """Close all of them."""
        self.dense.close()
        self.close_files()

    def close_files(self) -> None:
        """Close all but the vectors, which others may use too."""
        for part in (self.lexical, self.facts, self.catalogue):
            part.close()


@dataclass(frozen=True, slots=True)
class Counts:
    """Documents that an update concerned. One whose lines alone moved is none of them."""

    added: int = 0
    changed: int = 0
    removed: int = 0

    @property
    def all(self) -> int:
        """Documents of any of them."""
        return self.added + self.changed + self.removed


def fill(
    parts: Parts,
    documents: Sequence[Document],
    *,
    embedder: Embedder,
    progress: Progress,
    before_vectors: Callable[[int], None] = lambda _: None,
    facts: Iterable[Fact] = (),
    problems: Iterable[Problem] = (),
    states: Mapping[str, FileState] | None = None,
) -> None:
    """Index ``documents`` in every part, all of them empty, and seal them.

    Args:
        parts: new and empty.
        documents: each once.
        embedder: gives the vectors.
        progress: told after each batch.
        before_vectors: called before each batch of vectors with the number of documents that still want one; what
            it raises ends the work.
        facts: of the same files.
        problems: met in the same files.
        states: of the files; without them every file is read again next time.
    """
    files = {path: FileRead(path, [], []) for path in states or {}}
    for document in documents:
        files.setdefault(document.path, FileRead(document.path, [], [])).documents.append(document)
    for fact in facts:
        files.setdefault(fact.origin.path, FileRead(fact.origin.path, [], [])).facts.append(fact)
    for problem in problems:
        if problem.path in files:
            files[problem.path].problems.append(problem)
    known = states or {}
    write(
        parts,
        [(known.get(path, FileState(path)), read) for path, read in files.items()],
        revision=FIRST_REVISION,
        embedder=lambda: embedder,
        progress=progress,
        before_vectors=before_vectors,
    )


def write(
    parts: Parts,
    files: Sequence[tuple[FileState, FileRead]],
    removed: Sequence[str] = (),
    *,
    revision: int,
    embedder: Callable[[], Embedder],
    progress: Progress,
    before_vectors: Callable[[int], None] = lambda _: None,
) -> Counts:
    """Let ``files`` replace what is known of them from ``revision`` on, and seal every part.

    Args:
        parts: collected for the revision before.
        files: those that are new or say something else.
        removed: paths of files that are gone.
        revision: nobody sees it yet.
        embedder: asked for only if there is something to encode.
        progress: told after each batch.
        before_vectors: as for `fill`.

    Returns:
        How many documents are new, different and gone.
    """
    old = _versions(parts, [*(state.path for state, _ in files), *removed], revision)
    for state, read in files:
        parts.catalogue.replace(state, read.documents, problems=read.problems, revision=revision)
        parts.facts.replace(read.path, read.facts, revision=revision)
    parts.catalogue.remove(removed, revision=revision)
    parts.facts.remove(removed, revision=revision)
    new = {version_of(document): document for _, read in files for document in read.documents}
    fresh = [document for version, document in new.items() if version not in old]
    gone = old.keys() - new.keys()
    parts.lexical.retire(gone, revision=revision)
    for batch, done in _batches(fresh):
        parts.lexical.add(batch, revision=revision)
        progress("words", done, len(fresh))
    for part in (parts.catalogue, parts.facts, parts.lexical):
        part.seal()
    add_vectors(
        parts.dense, fresh, revision=revision, embedder=embedder, progress=progress, before_vectors=before_vectors
    )
    parts.dense.retire(gone, revision=revision)
    parts.dense.seal()
    return _counted({old[version] for version in gone}, {document.doc_id for document in fresh})


def add_vectors(
    dense: DenseIndex,
    documents: Sequence[Document],
    *,
    revision: int,
    embedder: Callable[[], Embedder],
    progress: Progress,
    before_vectors: Callable[[int], None] = lambda _: None,
) -> None:
    """Encode documents and add them to an index of vectors."""
    for batch, done in _batches(documents):
        before_vectors(len(documents) - done + len(batch))
        vectors = encode(embedder(), batch)
        dense.add(batch, vectors, revision=revision)
        progress("vectors", done, len(documents))


def encode(embedder: Embedder, documents: Sequence[Document]) -> Vectors:
    """Vectors of documents, float32 ``(len(documents), dimension)``."""
    text_of = embedder.passage if isinstance(embedder, WritesPassages) else passage
    return embedder.encode_documents([text_of(document) for document in documents])


def counts(documents: Sequence[Document]) -> dict[str, int]:
    """Number of documents per ``doc_type``."""
    return dict(Counter(document.doc_type for document in documents))


def kinds(documents: Sequence[Document]) -> dict[str, int]:
    """Number of documents per kind of object."""
    return dict(Counter(document.object_kind for document in documents))


def _versions(parts: Parts, paths: Sequence[str], revision: int) -> dict[str, str]:
    """Versions of what the files said before, and the ids of those documents."""
    if revision == FIRST_REVISION:
        return {}
    with contextlib.closing(parts.catalogue.at(revision - 1)) as before:
        return before.versions(paths)


def _counted(gone: set[str], fresh: set[str]) -> Counts:
    return Counts(added=len(fresh - gone), changed=len(fresh & gone), removed=len(gone - fresh))


def _batches(documents: Sequence[Document]) -> Iterator[tuple[Sequence[Document], int]]:
    for start in range(0, len(documents), _BATCH):
        batch = documents[start : start + _BATCH]
        yield batch, start + len(batch)
