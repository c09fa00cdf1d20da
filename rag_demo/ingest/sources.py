"""Everything that one space is made of: a configuration, and folders of documents beside it."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Collection, Iterator, Sequence
from pathlib import Path

from rag_demo.errors import InputError
from rag_demo.ingest.archive import opened
from rag_demo.ingest.detect import layout_of
from rag_demo.ingest.notes import NotesFolder
from rag_demo.ingest.reader import Dump
from rag_demo.ingest.records import FileRead, Listed, Problem, SourceFolder

# Stage, items done, items in all.
Progress = Callable[[str, int, int], None]


class Sources:
    """A dump and the documents beside it as one `SourceFolder`."""

    def __init__(self, dump: Dump, beside: Sequence[NotesFolder], problems: Sequence[Problem] = ()) -> None:
        self._folders: dict[str, list[SourceFolder]] = {"files": [dump], "docs": [*beside]}
        self._problems = list(problems)
        self.configuration_name = dump.configuration.name
        self.configuration_version = dump.configuration.version
        self.format = dump.configuration.format

    @property
    def problems(self) -> list[Problem]:
        """What was met on the way to the files, known after `listing`."""
        found = [problem for folders in self._folders.values() for folder in folders for problem in folder.problems]
        return self._problems + found

    def listing(self) -> list[Listed]:
        """Every file that would be read."""
        return [listed for folders in self._folders.values() for folder in folders for listed in folder.listing()]

    def read(self, paths: Collection[str] | None, *, progress: Progress) -> Iterator[FileRead]:
        """What the listed files say, all or those with the given paths."""
        for stage, folders in self._folders.items():
            for folder in folders:
                yield from folder.read(paths, on_progress=lambda done, all_, stage=stage: progress(stage, done, all_))  # type: ignore[misc]


@contextlib.contextmanager
def open_sources(folder: Path, beside: Sequence[Path] = (), *, space_id: str) -> Iterator[Sources]:
    """The files of a space, to be read all or in part.

    Args:
        folder: the dump, or a ZIP archive of it.
        beside: folders of documents.
        space_id: space that the documents will belong to.

    Raises:
        NotADump: ``folder`` holds no dump that we read.
        InputError: file names cannot be read, or two folders of documents have the same name, so that citations could
            not tell them apart.
    """
    if sys.getfilesystemencoding() != "utf-8":
        # Python follows the locale here; a dump is full of names that such a locale cannot spell.
        raise InputError(f"File names are read as {sys.getfilesystemencoding()} here. Set PYTHONUTF8=1 and try again.")
    names = [_resolved(docs).name for docs in beside]
    if len(set(names)) < len(names):
        raise InputError(f"Two folders of documents have the same name: {', '.join(sorted(names))}. Rename one.")
    with opened(folder) as archive:
        dump = Dump(archive.folder, layout_of(archive.folder), space_id)
        yield Sources(dump, [NotesFolder(docs, space_id=space_id) for docs in beside], archive.problems)


def _resolved(folder: Path) -> Path:
    try:
        return folder.resolve()
    except (OSError, RuntimeError) as error:  # links that lead to each other; a `RuntimeError` before Python 3.13
        raise InputError(f"{folder} cannot be read: {error}. Give a folder of documents.") from error
