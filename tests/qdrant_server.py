"""A Qdrant server on the loopback for tests: its HTTP interface before the in-memory engine of Qdrant's own client.

It serves what `rag_demo.index.dense_server` asks for, keeps every exchange, and can refuse keys or be away for a while.
"""

from __future__ import annotations

import contextlib
import json
import threading
import urllib.parse
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple

from qdrant_client import QdrantClient, models

HOST = "127.0.0.1"


class Exchange(NamedTuple):
    """One request and its answer; ``operation`` is method and path with ``{collection_name}`` for the name."""

    operation: str
    query: dict[str, str]
    body: Any
    status: int
    answer: Any


class QdrantServer:
    """Collections in memory, behind HTTP. They stay while the server is away."""

    def __init__(self, *, api_key: str = "") -> None:
        self.api_key = api_key
        self.exchanges: list[Exchange] = []
        self.before: Callable[[str], None] = lambda _: None  # called with each operation before it is done
        self.client = QdrantClient(":memory:")
        self.lock = threading.Lock()  # the engine in memory serves one caller at a time
        self._http: ThreadingHTTPServer | None = None
        self._port = 0

    @property
    def url(self) -> str:
        """Its address, also while it is away."""
        return f"http://{HOST}:{self._port}"

    def start(self) -> None:
        """Listen, after an absence where it did before."""
        handler = type("Handler", (_Handler,), {"qdrant": self})
        self._http = ThreadingHTTPServer((HOST, self._port), handler)
        self._port = self._http.server_address[1]
        threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()

    def stop(self) -> None:
        """Be away: connections are refused."""
        if self._http is not None:
            self._http.shutdown()
            self._http.server_close()
            self._http = None

    @contextlib.contextmanager
    def serving(self) -> Iterator[QdrantServer]:
        """Listen until the way out."""
        self.start()
        try:
            yield self
        finally:
            self.stop()

    def collections(self) -> list[str]:
        """Names of all collections."""
        return sorted(one.name for one in self.client.get_collections().collections)

    def bodies(self, operation: str) -> list[Any]:
        """What was sent with each request for an operation."""
        return [exchange.body for exchange in self.exchanges if exchange.operation == operation]

    def operate(self, operation: str, name: str, body: Any) -> Any:
        """The result of an operation; raises KeyError for one that does not exist."""
        handle = _OPERATIONS[operation]
        with self.lock:
            return handle(self.client, name, body)


def _create(client: QdrantClient, name: str, body: Any) -> Any:
    asked = models.CreateCollection(**body)
    return client.create_collection(name, vectors_config=asked.vectors)


def _upsert(client: QdrantClient, name: str, body: Any) -> Any:
    return client.upsert(name, models.PointsList(**body).points)


def _set_payload(client: QdrantClient, name: str, body: Any) -> Any:
    asked = models.SetPayload(**body)
    return client.set_payload(name, asked.payload, points=asked.points or asked.filter)


def _delete_payload(client: QdrantClient, name: str, body: Any) -> Any:
    asked = models.DeletePayload(**body)
    return client.delete_payload(name, asked.keys, points=asked.points or asked.filter)


def _delete_points(client: QdrantClient, name: str, body: Any) -> Any:
    return client.delete(name, models.FilterSelector(**body))


def _scroll(client: QdrantClient, name: str, body: Any) -> Any:
    asked = models.ScrollRequest(**body)
    points, following = client.scroll(
        name, asked.filter, limit=asked.limit, offset=asked.offset, with_payload=asked.with_payload
    )
    return models.ScrollResult(points=points, next_page_offset=following)


def _query(client: QdrantClient, name: str, body: Any) -> Any:
    asked = models.QueryRequest(**body)
    return client.query_points(
        name,
        asked.query,
        using=asked.using,
        query_filter=asked.filter,
        limit=asked.limit,
        with_payload=asked.with_payload,
    )


def _count(client: QdrantClient, name: str, body: Any) -> Any:
    return client.count(name, models.CountRequest(**body).filter)


_DONE = models.UpdateResult(operation_id=0, status=models.UpdateStatus.COMPLETED)
_NAME = "{collection_name}"
_OPERATIONS: dict[str, Callable[[QdrantClient, str, Any], Any]] = {
    "GET /collections": lambda client, *_: client.get_collections(),
    f"GET /collections/{_NAME}/exists": lambda client, name, _: models.CollectionExistence(
        exists=client.collection_exists(name)
    ),
    f"PUT /collections/{_NAME}": _create,
    f"DELETE /collections/{_NAME}": lambda client, name, _: client.delete_collection(name),
    f"PUT /collections/{_NAME}/index": lambda *_: _DONE,  # they have no effect in memory
    f"PUT /collections/{_NAME}/points": _upsert,
    f"POST /collections/{_NAME}/points/payload": _set_payload,
    f"POST /collections/{_NAME}/points/payload/delete": _delete_payload,
    f"POST /collections/{_NAME}/points/delete": _delete_points,
    f"POST /collections/{_NAME}/points/scroll": _scroll,
    f"POST /collections/{_NAME}/points/query": _query,
    f"POST /collections/{_NAME}/points/count": _count,
}


class _Handler(BaseHTTPRequestHandler):
    qdrant: QdrantServer
    protocol_version = "HTTP/1.1"
    timeout = 5

    def handle_any(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        body = json.loads(self.rfile.read(length)) if length else None
        parts = urllib.parse.urlsplit(self.path)
        steps = [urllib.parse.unquote(step) for step in parts.path.strip("/").split("/")]
        name = steps[1] if len(steps) > 1 else ""
        steps[1:2] = [_NAME] if name else []
        operation = f"{self.command} /{'/'.join(steps)}"
        status, answer = self._answer(operation, name, body)
        self.qdrant.exchanges.append(
            Exchange(operation, dict(urllib.parse.parse_qsl(parts.query)), body, status, answer)
        )
        self._send(status, json.dumps(answer).encode())

    do_GET = do_PUT = do_POST = do_DELETE = handle_any  # noqa: N815  # the names that the library looks for

    def _answer(self, operation: str, name: str, body: Any) -> tuple[int, Any]:
        if self.qdrant.api_key and self.headers.get("api-key") != self.qdrant.api_key:
            return 401, {"status": {"error": "Must provide an API key"}, "time": 0.0}
        self.qdrant.before(operation)
        try:
            result = self.qdrant.operate(operation, name, body)
        except ValueError as error:
            return 404, {"status": {"error": f"Not found: {error}"}, "time": 0.0}
        plain = result.model_dump(mode="json", exclude_none=True) if hasattr(result, "model_dump") else result
        return 200, {"result": plain, "status": "ok", "time": 0.0}

    def _send(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Nothing to standard error."""
