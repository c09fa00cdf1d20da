"""A tier that may fail, made harmless: a breaker before it, its errors counted, never raised."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Literal, TypeVar

from hybrid_embeddings.errors import CacheTierError
from hybrid_embeddings.events import BreakerChanged, CacheFailed, Events
from hybrid_embeddings.ports import CircuitBreaker, RecordTier

_T = TypeVar("_T")
_log = logging.getLogger("hybrid_embeddings.cache")


class GuardedTier:
    """Answers for a tier: with nothing, if the tier fails or its breaker is open. Threads may share it."""

    def __init__(self, tier: RecordTier, breaker: CircuitBreaker, events: Events | None = None) -> None:
        self.name = tier.name
        self._tier = tier
        self._breaker = breaker
        self._events = events if events is not None else Events()
        self._lock = threading.Lock()
        self._counts = {"hits": 0, "misses": 0, "written": 0, "failures": 0, "damaged": 0}
        self._last_error = ""

    def get_many(self, space: bytes, keys: Sequence[bytes]) -> list[bytes | None]:
        """Return the record of each key; all None if the tier cannot answer."""
        found = self._attempt("get", lambda: self._tier.get_many(space, keys))
        return [None] * len(keys) if found is None else found

    def put_many(self, space: bytes, records: Mapping[bytes, bytes]) -> bool:
        """Store records; tell whether it was done."""
        done = self._attempt("put", _done(self._tier.put_many, space, records))
        if done:
            self._count(written=len(records))
        return bool(done)

    def delete_many(self, space: bytes, keys: Sequence[bytes]) -> None:
        """Remove records, if the tier can."""
        self._attempt("delete", _done(self._tier.delete_many, space, keys))

    def register(self, space: bytes, description: Mapping[str, str]) -> bool:
        """Describe a space; tell whether it was done."""
        return bool(self._attempt("put", _done(self._tier.register, space, description)))

    def scan(self, space: bytes) -> Iterator[tuple[bytes, bytes, bytes]]:
        """Yield the records of a space, as far as the tier can."""
        try:
            yield from self._tier.scan(space)
        except CacheTierError as error:
            self._failed("get", error)

    def note_lookup(self, n_hits: int, n_misses: int) -> None:
        """Count what a look-up found."""
        self._count(hits=n_hits, misses=n_misses)

    def note_damaged(self, n_records: int) -> None:
        """Count records that could not be read."""
        self._count(damaged=n_records)
        _log.warning("%s: %d records cannot be read; they count as misses and are deleted", self.name, n_records)

    def stats(self) -> dict[str, Any]:
        """Return counts, the state of the breaker and the last error."""
        with self._lock:
            return {
                **self._counts,
                "address": self._tier.address,
                "breaker": self._breaker.state,
                "last_error": self._last_error,
            }

    def health(self) -> dict[str, str]:
        """Return ``status`` and ``detail``. A tier that fails makes nothing but time: degraded, never unhealthy."""
        if self._breaker.state == "closed":
            return {"status": "healthy", "detail": ""}
        return {"status": "degraded", "detail": self._last_error}

    def close(self) -> None:
        """Close the tier."""
        try:
            self._tier.close()
        except CacheTierError as error:
            _log.info("%s", error)

    def _attempt(self, operation: Literal["get", "put", "delete"], work: Callable[[], _T]) -> _T | None:
        before = self._breaker.state
        if not self._breaker.allow():
            return None
        try:
            result = work()
        except CacheTierError as error:
            self._breaker.failure()
            self._failed(operation, error)
            result = None
        except BaseException:  # Ctrl-C, say: it tells nothing about the tier, and the next call may try again
            self._breaker.abandon_trial()
            raise
        else:
            self._breaker.success()
        if self._breaker.state != before:
            _log.warning("cache tier %s: breaker is %s", self.name, self._breaker.state)
            self._events.emit(BreakerChanged(f"cache:{self.name}", self._breaker.state))
        return result

    def _failed(self, operation: Literal["get", "put", "delete"], error: CacheTierError) -> None:
        self._count(failures=1)
        with self._lock:
            self._last_error = str(error)
        cause = type(error.__cause__ or error).__name__
        _log.info("cache tier %s could not %s: %s", self.name, operation, error)
        self._events.emit(CacheFailed(self.name, operation, cause))

    def _count(self, **increments: int) -> None:
        with self._lock:
            for name, increment in increments.items():
                self._counts[name] += increment


def _done(work: Callable[..., None], *arguments: object) -> Callable[[], bool]:
    """Return the work as a function that tells that it was done."""

    def run() -> bool:
        work(*arguments)
        return True

    return run
