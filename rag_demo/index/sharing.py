"""One open resource with several users: it is closed when the last of them has let go."""

from __future__ import annotations

import threading
from collections.abc import Callable


class Shared:
    """Counts the users of a resource and closes it after the last one."""

    def __init__(self, close: Callable[[], None]) -> None:
        """Count one user, the caller. ``close`` is called once, when all have let go."""
        self._close = close
        self._lock = threading.Lock()
        self._users = 1

    def take(self) -> None:
        """Count one user more.

        Raises:
            ValueError: the resource has been closed.
        """
        with self._lock:
            if not self._users:
                raise ValueError("This index has been closed.")
            self._users += 1

    def release(self) -> None:
        """Count one user less; each user calls this once."""
        with self._lock:
            self._users -= 1
            last = not self._users
        if last:
            self._close()
