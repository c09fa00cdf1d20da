"""Where cached answers lie: records with a time to live, found by key or by tag."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Protocol


class Store(Protocol):
    """Keeps records under keys. Safe to call from several threads. A failure of the store is a miss, never an error."""

    def get_many(self, keys: Sequence[str]) -> dict[str, bytes]:
        """The records that are there and not over their time."""

    def put(self, key: str, value: bytes, *, ttl_s: float, tags: Sequence[str]) -> None:
        """Keep a record for a time, in place of what the key had before."""

    def delete(self, keys: Sequence[str]) -> None:
        """Forget records; unknown keys do not matter."""

    def tagged(self, tag: str, most: int | None) -> list[str]:
        """Keys of the records with a tag, the newest first; some may be over their time."""

    def close(self) -> None:
        """Let go of files and connections. May be called twice."""


class MemoryStore:
    """Records in this process, the least used ones forgotten first."""

    def __init__(self, *, most: int = 1_000, clock: Callable[[], float] = time.monotonic) -> None:
        """Hold at most ``most`` records; ``clock`` counts seconds."""
        self._most = most
        self._clock = clock
        self._records: OrderedDict[str, tuple[bytes, float, tuple[str, ...]]] = OrderedDict()
        self._tags: dict[str, dict[str, None]] = {}
        self._lock = threading.Lock()

    def get_many(self, keys: Sequence[str]) -> dict[str, bytes]:
        """The records that are there and not over their time."""
        now = self._clock()
        found = {}
        with self._lock:
            for key in keys:
                record = self._records.get(key)
                if record is None:
                    continue
                if record[1] <= now:
                    self._forget(key)
                else:
                    self._records.move_to_end(key)
                    found[key] = record[0]
        return found

    def put(self, key: str, value: bytes, *, ttl_s: float, tags: Sequence[str]) -> None:
        """Keep a record for a time."""
        with self._lock:
            self._forget(key)
            self._records[key] = (value, self._clock() + ttl_s, tuple(tags))
            for tag in tags:
                self._tags.setdefault(tag, {})[key] = None
            while len(self._records) > self._most:
                self._forget(next(iter(self._records)))

    def delete(self, keys: Sequence[str]) -> None:
        """Forget records."""
        with self._lock:
            for key in keys:
                self._forget(key)

    def tagged(self, tag: str, most: int | None) -> list[str]:
        """Keys of the records with a tag, the newest first."""
        with self._lock:
            return list(reversed(self._tags.get(tag, {})))[:most]

    def close(self) -> None:
        """Forget everything."""
        with self._lock:
            self._records.clear()
            self._tags.clear()

    def _forget(self, key: str) -> None:
        record = self._records.pop(key, None)
        for tag in record[2] if record else ():
            keys = self._tags[tag]
            keys.pop(key, None)
            if not keys:
                del self._tags[tag]
