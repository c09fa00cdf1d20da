"""Vectors of a finished job into a Qdrant server. The only file here that imports ``qdrant_client``."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hybrid_embeddings.errors import JobError, MissingDependencyError
from hybrid_embeddings.jobs import parquet
from hybrid_embeddings.jobs.rows import RowId

_BATCH = 256  # points in one request: 0.5 MB with 384 dimensions, far below what servers accept


def point_id(collection: str, row_id: RowId) -> str:
    """The id of a point: UUID version 5 (RFC 9562) of the collection and the row, the same in every run."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"{collection}\0{type(row_id).__name__}\0{row_id}"))


def connect(url: str, api_key: str | None = None) -> Any:
    """A client of the server at ``url``; nothing is asked yet.

    Raises:
        MissingDependencyError: qdrant-client is not installed.
    """
    try:
        from qdrant_client import QdrantClient
    except ImportError as error:
        raise MissingDependencyError('Qdrant needs: pip install "hybrid-embeddings[jobs]"') from error
    return QdrantClient(url=url, api_key=api_key, timeout=60)


def upload(output: Path, client: Any, collection: str, *, progress: Callable[[int], None] | None = None) -> int:
    """Put every row of a job's output into a collection, which is made if it is not there.

    A row replaces itself, so a run that was interrupted is simply run again. Payload: ``row``, and ``id`` and
    ``text`` where the output has them.

    Args:
        output: what `run_job` wrote.
        client: as `connect` gives it.
        collection: its name.
        progress: called with the number of rows that were sent with each request.

    Returns:
        Points in the collection afterwards.

    Raises:
        JobError: the server does not answer or refuses, or the collection has vectors of another length.
    """
    from qdrant_client import models
    from qdrant_client.http.exceptions import ResponseHandlingException, UnexpectedResponse

    try:
        for part in parquet.read_parts(output):
            _ensure(client, collection, part.vectors.shape[1])
            points = [_point(collection, part, row) for row in range(len(part.vectors))]
            for start in range(0, len(points), _BATCH):
                batch = [models.PointStruct(**point) for point in points[start : start + _BATCH]]
                client.upsert(collection, batch, wait=True)
                if progress is not None:
                    progress(len(batch))
        return int(client.count(collection, exact=True).count)
    except (UnexpectedResponse, ResponseHandlingException, OSError) as error:
        raise JobError(f"collection {collection!r}: the Qdrant server does not do it: {error}") from error


def _ensure(client: Any, collection: str, dimension: int) -> None:
    from qdrant_client import models

    if not client.collection_exists(collection):
        client.create_collection(
            collection, vectors_config=models.VectorParams(size=dimension, distance=models.Distance.COSINE)
        )
    vectors = client.get_collection(collection).config.params.vectors
    size = getattr(vectors, "size", None)
    if size != dimension:
        raise JobError(f"collection {collection!r} has vectors of {size} dimensions, the job has {dimension}")


def _point(collection: str, part: parquet.Part, row: int) -> dict[str, Any]:
    number = part.first + row
    payload: dict[str, Any] = {"row": number}
    if part.ids is not None:
        payload["id"] = part.ids[row]
    if part.texts is not None:
        payload["text"] = part.texts[row]
    return {
        "id": point_id(collection, payload.get("id", number)),
        "vector": part.vectors[row].tolist(),
        "payload": payload,
    }
