"""The way to a Qdrant server: its client, what its errors mean, and when it is not worth asking."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Protocol, TypeVar

from qdrant_client import QdrantClient
from qdrant_client.common.client_exceptions import QdrantException
from qdrant_client.http.exceptions import ApiException, UnexpectedResponse

from rag_demo.errors import IndexBroken, VectorsAway

_REFUSED = frozenset({401, 403})
_NOT_FOUND = 404
Result = TypeVar("Result")


class Breaker(Protocol):
    """Keeps questions from a server that does not answer; `hybrid_embeddings.resilience.breaker.Breaker` is one."""

    def allow(self) -> bool:
        """Whether to ask."""

    def success(self) -> None:
        """It answered."""

    def failure(self) -> None:
        """It did not."""


class Server:
    """One client, what it is connected to, and whether that is worth asking now."""

    def __init__(self, client: QdrantClient, *, name: str, breaker: Breaker | None = None) -> None:
        """Take a client; ``name`` is how messages call the server, without a secret."""
        self.client = client
        self._name = name
        self._breaker = breaker

    @classmethod
    def connect(cls, url: str, *, name: str, api_key: str, timeout_s: int, breaker: Breaker | None = None) -> Server:
        """A server by its address; it is not asked yet.

        Raises:
            ValueError: the client does not take the address.
        """
        # In a header of our own: the client warns of keys over plain HTTP, which is usual inside one host.
        headers = {"api-key": api_key} if api_key else {}
        client = QdrantClient(url=url, headers=headers, timeout=timeout_s, check_compatibility=False)
        return cls(client, name=name, breaker=breaker)

    def ask(self, request: Callable[[QdrantClient], Result], *, collection: str = "") -> Result:
        """What the server says.

        Raises:
            VectorsAway: it does not answer, or refuses.
            IndexBroken: it has no such collection.
        """
        with self._translated(collection):
            return request(self.client)

    def search(self, request: Callable[[QdrantClient], Result], *, collection: str) -> Result:
        """As `ask`, but after failures it is not even tried for a while: a question cannot wait."""
        if self._breaker is None:
            return self.ask(request, collection=collection)
        if not self._breaker.allow():
            raise VectorsAway(f"{self._name} did not answer a moment ago; it is asked again soon.")
        try:
            found = self.ask(request, collection=collection)
        except VectorsAway:
            self._breaker.failure()
            raise
        except BaseException:
            self._breaker.success()
            raise
        self._breaker.success()
        return found

    def drop(self, collection: str) -> None:
        """Delete a collection if it is there; raises VectorsAway."""
        if self.ask(lambda client: client.collection_exists(collection)):
            self.ask(lambda client: client.delete_collection(collection))

    def close(self) -> None:
        """Close the connections."""
        self.client.close()

    @contextlib.contextmanager
    def _translated(self, collection: str) -> Iterator[None]:
        try:
            yield
        except UnexpectedResponse as error:
            status = f"{error.status_code} {error.reason_phrase}"
            if error.status_code == _NOT_FOUND:
                raise IndexBroken(f"{self._name} has no collection {collection!r} ({status}). Index again.") from error
            if error.status_code in _REFUSED:
                raise VectorsAway(f"{self._name} refuses the key ({status}). Check QDRANT_API_KEY.") from error
            raise VectorsAway(f"{self._name} failed: {status}: {_reason(error)}") from error
        except (ApiException, QdrantException, OSError) as error:
            raise VectorsAway(
                f"{self._name} cannot be reached: {error}. Check QDRANT_URL and whether the server runs."
            ) from error


def _reason(error: UnexpectedResponse) -> str:
    return error.content.decode("utf-8", errors="replace")[:300]
