"""Threads and locks do not survive ``fork``: tell the objects that own some, in the child."""

from __future__ import annotations

import os
import threading
import weakref
from typing import Protocol


class ForkAware(Protocol):
    """Something that must start over in a forked child."""

    def after_fork(self) -> None:
        """Forget threads, locks and native handles of the parent. Called in the child, before anything else."""


_objects: weakref.WeakSet[ForkAware] = weakref.WeakSet()
_lock = threading.Lock()
_installed = False


def watch(aware: ForkAware) -> None:
    """Call ``aware.after_fork()`` in every child that this process forks while the object lives."""
    global _installed  # noqa: PLW0603 - the handler belongs to the process and cannot be removed
    with _lock:
        _objects.add(aware)
        if not _installed and hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=_in_child)
            _installed = True


def _in_child() -> None:
    global _lock  # noqa: PLW0603 - another thread of the parent may have held it
    _lock = threading.Lock()
    for aware in list(_objects):
        aware.after_fork()
