"""Bringing the generation in use of a space up to date: one revision further, in place.

Whatever stops it, readers go on with the revision that the manifest names, and the next update undoes what is left
of this one. A marker tells that an update was stopped, so that the parts are compared then.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from rag_demo.errors import InputError
from rag_demo.index.build import Counts, Parts, Progress, write
from rag_demo.index.repair import differences, mend
from rag_demo.index.states import FileState
from rag_demo.ingest import FileRead, Problem
from rag_demo.ports import Embedder

_MARKER = "unfinished"


def is_unfinished(folder: Path) -> bool:
    """Whether an update of the generation in ``folder`` was stopped halfway."""
    return (folder / _MARKER).exists()


def prepare(parts: Parts, folder: Path, *, revision: int, embedder: Callable[[], Embedder], progress: Progress) -> None:
    """Undo and mend what an update that was stopped left behind, and mark the folder as being updated."""
    parts.collect(revision)
    if is_unfinished(folder):
        mend(parts, differences(parts, revision=revision), revision=revision, embedder=embedder, progress=progress)
    (folder / _MARKER).touch()


def advance(
    parts: Parts,
    files: Sequence[tuple[FileState, FileRead]],
    removed: Sequence[str],
    touched: Sequence[FileState],
    *,
    revision: int,
    embedder: Callable[[], Embedder],
    progress: Progress,
) -> Counts:
    """Write ``revision``, which nobody sees yet; the parts must have been prepared. See `write` for the arguments."""
    parts.catalogue.touch(touched)
    return write(parts, files, removed, revision=revision, embedder=embedder, progress=progress)


def finish(parts: Parts, folder: Path, *, revision: int, shared: bool = False) -> None:
    """Delete what ended, after ``revision`` was published and the readers of the one before have gone.

    With ``shared`` nobody knows when those have gone, because they are in other processes: the next update does it.
    """
    if not shared:
        parts.collect(revision)
    (folder / _MARKER).unlink(missing_ok=True)


def check_enough(read: int, problems: Sequence[Problem]) -> None:
    """Raise InputError where most of a dump cannot be read: a good index must not give way to the remains of one."""
    skipped = [problem for problem in problems if problem.message.startswith("skipped:")]
    if not read:
        raise InputError("There is nothing to index: no object and no module could be read.")
    if len(skipped) > read:
        raise InputError(
            f"Only {read} files could be read and {len(skipped)} not, so it was not indexed. "
            f"The first: {skipped[0].path}: {skipped[0].message}."
        )


class Summary(NamedTuple):
    """What a space holds at a revision: documents per sort and per kind of object, files with documents, problems."""

    counts: dict[str, int]
    kinds: dict[str, int]
    files: int
    problems: list[Problem]


def summary(parts: Parts, *, revision: int) -> Summary:
    """Look at the catalogue."""
    with contextlib.closing(parts.catalogue.at(revision)) as catalogue:
        return Summary(catalogue.counts(), catalogue.kinds(), catalogue.count_files(), catalogue.problems())
