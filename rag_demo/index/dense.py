"""Vectors in a folder: the Qdrant engine inside this process (Qdrant Edge)."""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import qdrant_edge as qdrant

from rag_demo.errors import IndexBroken, IndexBusy
from rag_demo.index.ports import EVERYWHERE, DocKey, Scored, Where
from rag_demo.ports import Vectors
from rag_demo.types import Document

_VECTOR = "passage"
_POINTS = uuid.uuid5(uuid.NAMESPACE_URL, "https://pypi.org/project/hybrid-embeddings/rag-demo/points")
_FILTERED = ("space_id", "doc_type")
# Below this many kilobytes of vectors the engine compares with all of them: exact, and faster than a graph.
_FULL_SCAN_KB = 10_000


@dataclass(frozen=True, slots=True)
class Hnsw:
    """Parameters of the neighbour graph: more is more precise and slower (Malkov, Yashunin 2016)."""

    m: int = 16
    ef_construct: int = 100
    ef_search: int = 128


class EdgeIndex:
    """`DenseIndex` over one Qdrant Edge folder. The engine locks it: one process at a time."""

    def __init__(self, shard: qdrant.EdgeShard, folder: Path, *, ef_search: int) -> None:
        self._shard: qdrant.EdgeShard | None = shard
        self._folder = folder
        self._ef_search = ef_search

    @classmethod
    def create(cls, folder: Path, *, dimension: int, hnsw: Hnsw) -> EdgeIndex:
        """A new, empty index in ``folder``, which is made if need be and must hold no other index."""
        folder.mkdir(parents=True, exist_ok=True)
        config = qdrant.EdgeConfig(
            vectors={_VECTOR: qdrant.EdgeVectorParams(size=dimension, distance=qdrant.Distance.Cosine)},
            hnsw_config=qdrant.HnswIndexConfig(
                m=hnsw.m, ef_construct=hnsw.ef_construct, full_scan_threshold=_FULL_SCAN_KB
            ),
        )
        with _translated(folder):
            shard = qdrant.EdgeShard.create(str(folder), config)
            for name in _FILTERED:
                shard.update(qdrant.UpdateOperation.create_field_index(name, qdrant.PayloadSchemaType.Keyword))
        return cls(shard, folder, ef_search=hnsw.ef_search)

    @classmethod
    def open(cls, folder: Path, *, ef_search: int) -> EdgeIndex:
        """The index that was built in ``folder``.

        Raises:
            IndexBusy: another process has it open.
            IndexBroken: there is no readable index in ``folder``.
        """
        with _translated(folder):
            return cls(qdrant.EdgeShard.load(str(folder)), folder, ef_search=ef_search)

    def add(self, documents: Sequence[Document], vectors: Vectors) -> None:
        """See `DenseIndex`."""
        points = [_point(document, vector) for document, vector in zip(documents, vectors, strict=True)]
        if points:
            with _translated(self._folder):
                self._open_shard.update(qdrant.UpdateOperation.upsert_points(points))

    def seal(self) -> None:
        """See `DenseIndex`."""
        with _translated(self._folder):
            self._open_shard.optimize()
            self._open_shard.flush()

    def search(self, vector: Vectors, limit: int, *, where: Where = EVERYWHERE) -> list[Scored]:
        """See `DenseIndex`; the score is the cosine."""
        request = qdrant.SearchRequest(
            qdrant.Query.Nearest(vector.tolist(), using=_VECTOR),
            limit,
            filter=_filter(where),
            params=qdrant.SearchParams(hnsw_ef=max(self._ef_search, limit)),
            with_payload=True,
        )
        shard = self._open_shard
        with _translated(self._folder):
            found = shard.search(request)
        return [
            Scored(DocKey(point.payload["space_id"], point.payload["doc_id"]), point.score)
            for point in found
            if point.payload is not None
        ]

    def count(self, where: Where = EVERYWHERE) -> int:
        """See `DenseIndex`."""
        shard = self._open_shard
        with _translated(self._folder):
            return shard.count(qdrant.CountRequest(exact=True, filter=_filter(where)))

    def close(self) -> None:
        """See `DenseIndex`."""
        if self._shard is not None:
            shard, self._shard = self._shard, None
            with _translated(self._folder):
                shard.close()

    @property
    def _open_shard(self) -> qdrant.EdgeShard:
        if self._shard is None:
            raise ValueError("This index has been closed.")
        return self._shard


def _point(document: Document, vector: Vectors) -> qdrant.Point:
    payload = {"space_id": document.space_id, "doc_type": document.doc_type, "doc_id": document.doc_id}
    # Derived from the identity, so that indexing a document again replaces its point.
    point_id = uuid.uuid5(_POINTS, f"{document.space_id}\0{document.doc_id}")
    return qdrant.Point(point_id, {_VECTOR: vector.tolist()}, payload)


def _filter(where: Where) -> qdrant.Filter | None:
    wanted = {"space_id": list(where.space_ids), "doc_type": [str(kind) for kind in where.doc_types]}
    must: list[qdrant.FieldCondition] = [
        qdrant.FieldCondition(name, match=qdrant.MatchAny(values)) for name, values in wanted.items() if values
    ]
    return qdrant.Filter(must=[*must]) if must else None


@contextlib.contextmanager
def _translated(folder: Path) -> Iterator[None]:
    """The engine raises bare ``Exception``; only its text tells a held lock from a damaged folder."""
    try:
        yield
    except BaseException as error:
        # A panic of the engine comes as a `BaseException` of a class that cannot be imported.
        if not isinstance(error, Exception) and type(error).__name__ != "PanicException":
            raise
        if "WouldBlock" in str(error):
            raise IndexBusy(
                f"Another process uses the vector index in {folder}. End it (a running `rag-demo chat`?) and try again."
            ) from error
        raise IndexBroken(f"The vector index in {folder} cannot be used: {error}. Index again.") from error
