"""Vectors in a folder: the Qdrant engine inside this process (Qdrant Edge)."""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import qdrant_edge as qdrant

from rag_demo.errors import IndexBroken, IndexBusy
from rag_demo.index.ports import EVERYWHERE, FIRST_REVISION, DocKey, Scored, Where, version_of
from rag_demo.index.sharing import Shared
from rag_demo.ports import Vectors
from rag_demo.types import Document

_VECTOR = "passage"
_FILTERED = ("space_id", "doc_type", "object_kind")
_BEGIN, _END = "gen_from", "gen_to"
# Below this many kilobytes of vectors the engine compares with all of them: exact, and faster than a graph.
FULL_SCAN_KB = 10_000
# The farthest 1 % of the values are cut off, so that they do not coarsen the steps of all others.
INT8_QUANTILE = 0.99
# So many times as many neighbours as are wanted are compared by their full vectors.
OVERSAMPLING = 2.0
_INT8 = qdrant.ScalarQuantizationConfig(qdrant.ScalarType.Int8, quantile=INT8_QUANTILE, always_ram=True)
_RESCORED = qdrant.QuantizationSearchParams(rescore=True, oversampling=OVERSAMPLING)
_PAGE = 10_000


@dataclass(frozen=True, slots=True)
class Hnsw:
    """Parameters of the neighbour graph: more is more precise and slower (Malkov, Yashunin 2016).

    ``int8``: the graph is walked on vectors of one byte for each value, which takes a quarter of the memory; what it
    finds is put in order by the full vectors.
    """

    m: int = 16
    ef_construct: int = 100
    ef_search: int = 128
    int8: bool = False


class EdgeIndex:
    """`DenseIndex` over one Qdrant Edge folder. The engine locks it: one process at a time."""

    def __init__(self, shard: qdrant.EdgeShard, folder: Path, *, ef_search: int) -> None:
        self._shard: qdrant.EdgeShard | None = shard
        self._shared = Shared(lambda: _close(shard, folder))
        self._folder = folder
        self._ef_search = ef_search
        self._is_sealed = True

    @classmethod
    def create(cls, folder: Path, *, dimension: int, hnsw: Hnsw) -> EdgeIndex:
        """A new, empty index in ``folder``, which is made if need be and must hold no other index."""
        folder.mkdir(parents=True, exist_ok=True)
        config = qdrant.EdgeConfig(
            vectors={_VECTOR: qdrant.EdgeVectorParams(size=dimension, distance=qdrant.Distance.Cosine)},
            hnsw_config=qdrant.HnswIndexConfig(
                m=hnsw.m, ef_construct=hnsw.ef_construct, full_scan_threshold=FULL_SCAN_KB
            ),
            quantization_config=_INT8 if hnsw.int8 else None,
        )
        with _translated(folder):
            shard = qdrant.EdgeShard.create(str(folder), config)
            for name in _FILTERED:
                shard.update(qdrant.UpdateOperation.create_field_index(name, qdrant.PayloadSchemaType.Keyword))
            for name in (_BEGIN, _END):
                shard.update(qdrant.UpdateOperation.create_field_index(name, qdrant.PayloadSchemaType.Integer))
        created = cls(shard, folder, ef_search=hnsw.ef_search)
        created._is_sealed = False
        return created

    @classmethod
    def open(cls, folder: Path, *, ef_search: int) -> EdgeIndex:
        """The index that was built in ``folder``.

        Raises:
            IndexBusy: another process has it open.
            IndexBroken: there is no readable index in ``folder``.
        """
        with _translated(folder):
            return cls(qdrant.EdgeShard.load(str(folder)), folder, ef_search=ef_search)

    def check(self) -> None:
        """See `DenseIndex`; the engine looked at its files when it opened them."""

    def add(self, documents: Sequence[Document], vectors: Vectors, *, revision: int = FIRST_REVISION) -> None:
        """See `DenseIndex`."""
        points = [_point(document, vector, revision) for document, vector in zip(documents, vectors, strict=True)]
        if points:
            self._update(qdrant.UpdateOperation.upsert_points(points))

    def retire(self, versions: Collection[str], *, revision: int) -> None:
        """See `VersionedIndex`."""
        known = self._known(versions)
        if known:
            self._update(qdrant.UpdateOperation.set_payload(known, {_END: revision}))

    def collect(self, revision: int) -> None:
        """See `VersionedIndex`."""
        ended, unborn, reopened = _upto(_END, revision), _after(_BEGIN, revision), _after(_END, revision)
        if any(map(self._holds, (ended, unborn, reopened))):
            self._update(qdrant.UpdateOperation.delete_points_by_filter(qdrant.Filter(should=[ended, unborn])))
            self._update(qdrant.UpdateOperation.delete_payload_by_filter(qdrant.Filter(must=[reopened]), [_END]))

    def seal(self) -> None:
        """See `VersionedIndex`."""
        with self._engine() as shard:
            if not self._is_sealed:  # to flush takes 60 ms even where there is nothing to write
                shard.optimize()
                shard.flush()
        self._is_sealed = True

    def versions(self) -> set[str]:
        """See `VersionedIndex`."""
        open_ended = qdrant.Filter(must=[qdrant.IsEmptyCondition(_END)])
        found: set[str] = set()
        offset: qdrant.PointId | None = None
        with self._engine() as shard:
            while True:
                request = qdrant.ScrollRequest(offset, _PAGE, open_ended, with_payload=False, with_vector=False)
                records, offset = shard.scroll(request)
                found.update(uuid.UUID(str(record.id)).hex for record in records)
                if offset is None:
                    return found

    def at(self, revision: int) -> EdgeReader:
        """See `DenseIndex`."""
        with self._engine() as shard:
            self._shared.take()
        return EdgeReader(shard, self._shared, revision, folder=self._folder, ef_search=self._ef_search)

    def close(self) -> None:
        """See `VersionedIndex`."""
        if self._shard is not None:
            self._shard = None
            self._shared.release()

    def _known(self, versions: Collection[str]) -> list[qdrant.PointId]:
        wanted: list[qdrant.PointId] = [uuid.UUID(hex=version) for version in versions]
        with self._engine() as shard:
            records = shard.retrieve(wanted, with_payload=False, with_vector=False)
        return [record.id for record in records]

    def _holds(self, condition: qdrant.FieldCondition) -> bool:
        with self._engine() as shard:
            request = qdrant.CountRequest(exact=True, filter=qdrant.Filter(must=[condition]))
            return shard.count(request) > 0

    def _update(self, operation: qdrant.UpdateOperation) -> None:
        with self._engine() as shard:
            self._is_sealed = False
            shard.update(operation)

    @contextlib.contextmanager
    def _engine(self) -> Iterator[qdrant.EdgeShard]:
        if self._shard is None:
            raise ValueError("This index has been closed.")
        with _translated(self._folder):
            yield self._shard


class EdgeReader:
    """`DenseReader` of one revision. It sees changes to the shard at once, and its filter hides those of others."""

    def __init__(self, shard: qdrant.EdgeShard, shared: Shared, revision: int, *, folder: Path, ef_search: int) -> None:
        self._shard: qdrant.EdgeShard | None = shard
        self._shared = shared
        self._revision = revision
        self._folder = folder
        self._ef_search = ef_search

    def search(self, vector: Vectors, limit: int, *, where: Where = EVERYWHERE) -> list[Scored]:
        """See `DenseReader`; the score is the cosine."""
        request = qdrant.SearchRequest(
            qdrant.Query.Nearest(vector.tolist(), using=_VECTOR),
            limit,
            filter=self._filter(where),
            params=qdrant.SearchParams(hnsw_ef=max(self._ef_search, limit), quantization=_RESCORED),
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
        """See `DenseReader`."""
        shard = self._open_shard
        with _translated(self._folder):
            return shard.count(qdrant.CountRequest(exact=True, filter=self._filter(where)))

    def close(self) -> None:
        """See `DenseReader`."""
        if self._shard is not None:
            self._shard = None
            self._shared.release()

    def _filter(self, where: Where) -> qdrant.Filter:
        must = [
            qdrant.FieldCondition(name, match=qdrant.MatchAny(list(values))) for name, values in where.fields().items()
        ]
        hidden = [_upto(_END, self._revision), _after(_BEGIN, self._revision)]
        return qdrant.Filter(must=[*must], must_not=[*hidden])

    @property
    def _open_shard(self) -> qdrant.EdgeShard:
        if self._shard is None:
            raise ValueError("This index has been closed.")
        return self._shard


def _point(document: Document, vector: Vectors, revision: int) -> qdrant.Point:
    payload = {
        "space_id": document.space_id,
        "doc_type": document.doc_type,
        "object_kind": document.object_kind,
        "doc_id": document.doc_id,
        _BEGIN: revision,
    }
    return qdrant.Point(uuid.UUID(hex=version_of(document)), {_VECTOR: vector.tolist()}, payload)


def _upto(name: str, revision: int) -> qdrant.FieldCondition:
    return qdrant.FieldCondition(name, range=qdrant.RangeFloat(lte=revision))


def _after(name: str, revision: int) -> qdrant.FieldCondition:
    return qdrant.FieldCondition(name, range=qdrant.RangeFloat(gt=revision))


def _close(shard: qdrant.EdgeShard, folder: Path) -> None:
    with _translated(folder):
        shard.close()


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
