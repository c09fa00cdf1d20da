"""Threads and locks do not survive ``fork``: tell the objects that own some, before and in the child."""

from __future__ import annotations

import os
import threading
import weakref
from typing import Protocol


class ForkAware(Protocol):
    """Something that must start over in a forked child."""

    def before_fork(self) -> None:
        """Wait for what must not be cut off half-way, e.g. while it holds locks of a native library."""

    def after_fork(self) -> None:
        """Forget threads, locks and native handles of the parent. Called in the child, before anything else."""


_objects: weakref.WeakSet[ForkAware] = weakref.WeakSet()
_lock = threading.Lock()
_installed = False


def watch(aware: ForkAware) -> None:
    """Tell an object of every child that this process forks while the object lives."""
    global _installed  # noqa: PLW0603 - the handler belongs to the process and cannot be removed
    with _lock:
        _objects.add(aware)
        if not _installed and hasattr(os, "register_at_fork"):
            os.register_at_fork(before=_in_parent, after_in_child=_in_child)
            _installed = True


def _in_parent() -> None:
    for aware in list(_objects):
        aware.before_fork()


def _in_child() -> None:
    global _lock  # noqa: PLW0603 - another thread of the parent may have held it
    _lock = threading.Lock()
    for aware in list(_objects):
        aware.after_fork()
