"""Who does the work: this process, or the one that holds the indexes."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from functools import partial
from importlib import metadata

from rag_demo.errors import InputError
from rag_demo.handover import LentVectors, There, handlers
from rag_demo.library import Library
from rag_demo.owner import Endpoint, Owner, find_owner
from rag_demo.settings import Settings
from rag_demo.tasks import Answered, Done, Here, Work

__all__ = ["Answered", "Done", "Here", "Staying", "Work", "check_workers", "handlers", "holding", "visiting", "work"]


def check_workers(workers: int, settings: Settings) -> None:
    """Raise InputError unless that many processes can answer from the indexes at once."""
    if workers > 1 and not settings.qdrant_url:
        raise InputError(
            f"{workers} workers need a Qdrant server: indexes in a folder belong to one process. Set QDRANT_URL and "
            "index again, or use one worker."
        )


@contextlib.contextmanager
def holding(settings: Settings, *, command: str) -> Iterator[Library]:
    """The library of a process that stays, a server or one of its workers.

    Indexes in a folder belong to one process: this one holds them and works for others too. With a Qdrant server
    nobody holds anything, and any number of processes may do this at once.

    Raises:
        IndexBusy: another process holds the indexes.
    """
    with contextlib.closing(Library(settings)) as library:
        if settings.qdrant_url:
            yield library
            return
        endpoint = Endpoint(handlers(Here(library)), command=command, version=version())
        with endpoint.serving(settings.data_path):
            yield library


@contextlib.contextmanager
def visiting(settings: Settings) -> Iterator[Library]:
    """The library of a process that stays, but must not keep others from the indexes: tools of an editor.

    It reads everything itself but the vectors: those it lets the process search that holds them. It cannot index.
    """
    read = None if settings.qdrant_url else partial(LentVectors, settings)
    with contextlib.closing(Library(settings, read_dense=read)) as library:
        yield library


@contextlib.contextmanager
def work(settings: Settings) -> Iterator[Work]:
    """Work by the process that holds the indexes, or by this one where there is none."""
    owner = _owner(settings)
    if owner is not None:
        yield There(owner)
        return
    with contextlib.closing(Library(settings)) as library:
        yield Here(library)


class Staying:
    """Chooses who works for a process that stays; call it each time.

    Where another process holds the indexes, that one. Where there is none, or it has ended, this process: from then on
    it holds them, and works for others too.
    """

    def __init__(self, settings: Settings, *, command: str) -> None:
        """Take where the indexes are, and what runs in this process, for messages of others."""
        self._settings = settings
        self._command = command
        self._here: Here | None = None
        self._opened = contextlib.ExitStack()

    def __call__(self) -> Work:
        """Who works now.

        Raises:
            IndexBusy: another process is just taking the indexes.
        """
        if self._here is not None:
            return self._here
        owner = _owner(self._settings)
        return There(owner) if owner is not None else self._claimed()

    def close(self) -> None:
        """Let go of the indexes, after what others have asked for is done."""
        self._here = None
        self._opened.close()

    def _claimed(self) -> Here:
        with contextlib.ExitStack() as opening:
            library = opening.enter_context(holding(self._settings, command=self._command))
            self._opened = opening.pop_all()
        self._here = Here(library)
        return self._here


def _owner(settings: Settings) -> Owner | None:
    """Who holds the indexes; None, too, where a server keeps the vectors: then nobody needs to."""
    return None if settings.qdrant_url else find_owner(settings.data_path)


def version() -> str:
    """The version of this program."""
    try:
        return metadata.version("hybrid-embeddings")
    except metadata.PackageNotFoundError:
        return "0"
