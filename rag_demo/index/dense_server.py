"""Vectors on a Qdrant server, by its client: for several processes that ask, or an index larger than one machine.

Nothing is asked of the server before it is needed, so that a server that is away costs the answers of that time their
vectors, and nothing after it has come back.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Collection, Sequence
from typing import Any

from qdrant_client import QdrantClient, models

from rag_demo.errors import IndexBroken
from rag_demo.index.dense import FULL_SCAN_KB, INT8_QUANTILE, OVERSAMPLING, Hnsw
from rag_demo.index.dense_connection import Server
from rag_demo.index.ports import EVERYWHERE, FIRST_REVISION, DocKey, Scored, Where, version_of
from rag_demo.index.sharing import Shared
from rag_demo.ports import Vectors
from rag_demo.types import Document

_VECTOR = "passage"
_BEGIN, _END = "gen_from", "gen_to"
_BATCH = 256  # points in one request: 0.5 MB with 384 dimensions, far below what servers accept
_PAGE = 1_000
_PAYLOAD: dict[str, models.PayloadSchemaType | models.KeywordIndexParams] = {
    "space_id": models.KeywordIndexParams(type=models.KeywordIndexType.KEYWORD, is_tenant=True),
    "doc_type": models.PayloadSchemaType.KEYWORD,
    "object_kind": models.PayloadSchemaType.KEYWORD,
    _BEGIN: models.PayloadSchemaType.INTEGER,
    _END: models.PayloadSchemaType.INTEGER,
}


class ServerIndex:
    """`DenseIndex` over one collection of a Qdrant server, one collection for each generation of a space."""

    def __init__(self, server: Server, collection: str, *, ef_search: int) -> None:
        """Take a collection; the server is not asked yet."""
        self._server: Server | None = server
        self._shared = Shared(server.close)
        self._collection = collection
        self._ef_search = ef_search

    @classmethod
    def create(cls, server: Server, collection: str, *, dimension: int, hnsw: Hnsw) -> ServerIndex:
        """A new, empty collection; one of the same name is replaced.

        Raises:
            VectorsAway: the server does not answer, or refuses.
        """
        server.drop(collection)
        server.ask(
            lambda client: client.create_collection(
                collection,
                vectors_config={_VECTOR: models.VectorParams(size=dimension, distance=models.Distance.COSINE)},
                hnsw_config=models.HnswConfigDiff(
                    m=hnsw.m, ef_construct=hnsw.ef_construct, full_scan_threshold=FULL_SCAN_KB
                ),
                quantization_config=_INT8 if hnsw.int8 else None,
            )
        )
        # Before the first upload: the graph is then built with edges for the filters, too.
        for name, schema in _PAYLOAD.items():
            server.ask(
                lambda client, name=name, schema=schema: client.create_payload_index(  # type: ignore[misc]
                    collection, name, field_schema=schema, wait=True
                )
            )
        return cls(server, collection, ef_search=hnsw.ef_search)

    def check(self) -> None:
        """See `DenseIndex`."""
        if not self._ask(lambda client: client.collection_exists(self._collection)):
            raise IndexBroken(f"The Qdrant server has no collection {self._collection!r}. Index again.")

    def add(self, documents: Sequence[Document], vectors: Vectors, *, revision: int = FIRST_REVISION) -> None:
        """See `DenseIndex`."""
        points = [_point(document, vector, revision) for document, vector in zip(documents, vectors, strict=True)]
        for start in range(0, len(points), _BATCH):
            self._ask(
                lambda client, first=start: client.upsert(  # type: ignore[misc]
                    self._collection, points[first : first + _BATCH], wait=True
                )
            )

    def retire(self, versions: Collection[str], *, revision: int) -> None:
        """See `VersionedIndex`."""
        wanted: list[models.ExtendedPointId] = [str(uuid.UUID(hex=version)) for version in versions]
        for start in range(0, len(wanted), _BATCH):
            self._ask(
                lambda client, first=start: client.set_payload(  # type: ignore[misc]
                    self._collection,
                    {_END: revision},
                    points=models.Filter(must=[models.HasIdCondition(has_id=wanted[first : first + _BATCH])]),
                    wait=True,
                )
            )

    def collect(self, revision: int) -> None:
        """See `VersionedIndex`."""
        gone = models.Filter(should=[_upto(_END, revision), _after(_BEGIN, revision)])
        again = models.Filter(must=[_after(_END, revision)])
        self._ask(lambda client: client.delete(self._collection, models.FilterSelector(filter=gone), wait=True))
        self._ask(lambda client: client.delete_payload(self._collection, [_END], points=again, wait=True))

    def seal(self) -> None:
        """See `VersionedIndex`. Every request waits until it is on the server's disk, so nothing is left to do."""

    def versions(self) -> set[str]:
        """See `VersionedIndex`."""
        open_ended = models.Filter(must=[models.IsEmptyCondition(is_empty=models.PayloadField(key=_END))])
        found: set[str] = set()
        offset: Any = None
        while True:
            records, offset = self._ask(
                lambda client, start=offset: client.scroll(  # type: ignore[misc]
                    self._collection, open_ended, limit=_PAGE, offset=start, with_payload=False
                )
            )
            found.update(uuid.UUID(str(record.id)).hex for record in records)
            if offset is None:
                return found

    def at(self, revision: int) -> ServerReader:
        """See `DenseIndex`."""
        server = _opened(self._server)
        self._shared.take()
        return ServerReader(server, self._shared, self._collection, revision, ef_search=self._ef_search)

    def close(self) -> None:
        """See `VersionedIndex`."""
        if self._server is not None:
            self._server = None
            self._shared.release()

    def _ask(self, request: Callable[[QdrantClient], Any]) -> Any:
        return _opened(self._server).ask(request, collection=self._collection)


class ServerReader:
    """`DenseReader` of one revision."""

    def __init__(self, server: Server, shared: Shared, collection: str, revision: int, *, ef_search: int) -> None:
        self._server: Server | None = server
        self._shared = shared
        self._collection = collection
        self._revision = revision
        self._ef_search = ef_search

    def search(self, vector: Vectors, limit: int, *, where: Where = EVERYWHERE) -> list[Scored]:
        """See `DenseReader`; the score is the cosine."""
        found = _opened(self._server).search(
            lambda client: client.query_points(
                self._collection,
                query=vector.tolist(),
                using=_VECTOR,
                limit=limit,
                query_filter=self._filter(where),
                search_params=models.SearchParams(
                    hnsw_ef=max(self._ef_search, limit),
                    quantization=models.QuantizationSearchParams(rescore=True, oversampling=OVERSAMPLING),
                ),
                with_payload=["space_id", "doc_id"],
            ),
            collection=self._collection,
        )
        return [
            Scored(DocKey(point.payload["space_id"], point.payload["doc_id"]), point.score)
            for point in found.points
            if point.payload is not None
        ]

    def count(self, where: Where = EVERYWHERE) -> int:
        """See `DenseReader`."""
        counted = _opened(self._server).ask(
            lambda client: client.count(self._collection, self._filter(where), exact=True), collection=self._collection
        )
        return int(counted.count)

    def close(self) -> None:
        """See `DenseReader`."""
        if self._server is not None:
            self._server = None
            self._shared.release()

    def _filter(self, where: Where) -> models.Filter:
        return models.Filter(
            must=[
                models.FieldCondition(key=name, match=models.MatchAny(any=list(values)))
                for name, values in where.fields().items()
            ],
            must_not=[_upto(_END, self._revision), _after(_BEGIN, self._revision)],
        )


_INT8 = models.ScalarQuantization(
    scalar=models.ScalarQuantizationConfig(type=models.ScalarType.INT8, quantile=INT8_QUANTILE, always_ram=True)
)


def _point(document: Document, vector: Vectors, revision: int) -> models.PointStruct:
    payload = {
        "space_id": document.space_id,
        "doc_type": document.doc_type,
        "object_kind": document.object_kind,
        "doc_id": document.doc_id,
        _BEGIN: revision,
    }
    point_id = str(uuid.UUID(hex=version_of(document)))
    return models.PointStruct(id=point_id, vector={_VECTOR: vector.tolist()}, payload=payload)


def _upto(name: str, revision: int) -> models.FieldCondition:
    return models.FieldCondition(key=name, range=models.Range(lte=revision))


def _after(name: str, revision: int) -> models.FieldCondition:
    return models.FieldCondition(key=name, range=models.Range(gt=revision))


def _opened(server: Server | None) -> Server:
    if server is None:
        raise ValueError("This index has been closed.")
    return server
