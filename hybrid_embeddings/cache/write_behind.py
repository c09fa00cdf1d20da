"""Writing to slower tiers without making anybody wait."""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable

_log = logging.getLogger("hybrid_embeddings.cache")


class WriteBehind:
    """A bounded queue with one thread, which starts with the first write. Never blocks who submits."""

    def __init__(self, *, max_entries: int) -> None:
        self._max_entries = max_entries
        self._changed = threading.Condition()
        self._queue: deque[tuple[int, Callable[[], None]]] = deque()
        self._n_waiting = 0  # entries queued or being written
        self._closed = False
        self._thread: threading.Thread | None = None

    @property
    def n_waiting(self) -> int:
        """Entries that are not written yet."""
        with self._changed:
            return self._n_waiting

    def submit(self, n_entries: int, write: Callable[[], None]) -> bool:
        """Queue a write of ``n_entries``; False if there is no room for it, or after :meth:`close`."""
        with self._changed:
            if self._closed or (self._n_waiting and self._n_waiting + n_entries > self._max_entries):
                return False
            self._queue.append((n_entries, write))
            self._n_waiting += n_entries
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="hybrid-embeddings-cache", daemon=True)
                self._thread.start()
            self._changed.notify_all()
        return True

    def flush(self, timeout_s: float | None = None) -> bool:
        """Wait until everything is written; False when the time is over, or :meth:`close` gave it up, before."""
        deadline = None if timeout_s is None else time.monotonic() + timeout_s
        with self._changed:
            while self._n_waiting:
                left_s = None if deadline is None else deadline - time.monotonic()
                if self._closed or (left_s is not None and left_s <= 0):
                    return False
                self._changed.wait(left_s)
        return True

    def close(self, timeout_s: float) -> bool:
        """Write what is queued, for at most so many seconds, and end the thread. Idempotent."""
        written = self.flush(timeout_s)
        with self._changed:
            if not written and not self._closed:
                _log.warning("%d entries were not written in %g s and are given up", self._n_waiting, timeout_s)
            self._closed = True
            self._queue.clear()
            self._changed.notify_all()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join(timeout_s)
        return written

    def _work(self) -> None:
        while True:
            with self._changed:
                while not self._queue and not self._closed:
                    self._changed.wait()
                if not self._queue:
                    return
                n_entries, write = self._queue.popleft()
            try:
                write()
            except Exception:  # noqa: BLE001 - the thread must live on
                _log.exception("a cache write failed")
            finally:
                with self._changed:
                    self._n_waiting -= n_entries
                    self._changed.notify_all()
