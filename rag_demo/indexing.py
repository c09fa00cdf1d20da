"""One run of indexing: what is read, what is different, and what is told of it."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime as dt
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from rag_demo.index.build import Counts, Progress
from rag_demo.index.changes import Changes, compare, still_as_read
from rag_demo.index.states import FileState
from rag_demo.index.store import Manifest
from rag_demo.ingest import FileRead, Problem
from rag_demo.ingest.sources import Sources

FilesRead = list[tuple[FileState, FileRead]]


@dataclass(frozen=True, slots=True)
class Report:
    """What `Library.index` did."""

    manifest: Manifest
    problems: tuple[Problem, ...]
    files: Counts
    documents: Counts
    rebuilt: str = ""  # why the index was made anew; empty: it was brought up to date
    elapsed_s: float = 0.0
    lag_s: float | None = None  # from the last change of a file to the revision that shows it

    @property
    def is_unchanged(self) -> bool:
        """Whether there was nothing to do."""
        return not self.rebuilt and self.files == Counts()


class Job:
    """What is to be read, for which space."""

    def __init__(
        self, folder: Path, space_id: str, docs: tuple[Path, ...], *, sources: Sources, progress: Progress
    ) -> None:
        self.folder = folder
        self.space_id = space_id
        self.docs = docs
        self.sources = sources
        self.progress = progress
        self._listing = {listed.path: listed for listed in sources.listing()}

    @property
    def documents_folders(self) -> list[str]:
        """The folders of documents, as a manifest names them."""
        return [str(folder.resolve()) for folder in self.docs]

    def compare(self, known: Mapping[str, FileState]) -> Changes:
        """The differences between what is remembered and the files as they are."""
        return compare(
            list(self._listing.values()),
            known,
            now_ns=time.time_ns(),
            on_progress=lambda done, all_: self.progress("compare", done, all_),
        )

    def read(self, changes: Changes) -> FilesRead:
        """What the files that are new or different say."""
        said = {path: FileRead(path, [], []) for path in changes.to_read}
        for file in self.sources.read(changes.to_read, progress=self.progress):
            said[file.path] = file
        return [(still_as_read(self._listing[path], changes.states[path]), said[path]) for path in sorted(said)]

    def lag_s(self, changes: Changes) -> float | None:
        """Seconds since the last of the files that are new or different was written; None where none is."""
        written_s = []
        for path in changes.to_read:
            with contextlib.suppress(OSError):  # it is gone again
                written_s.append(self._listing[path].location.stat().st_mtime)
        return max(0.0, time.time() - max(written_s)) if written_s else None

    def problems(self, of_files: Iterable[Problem]) -> list[Problem]:
        """All problems, those of the way to the files first."""
        return [*self.sources.problems, *of_files]

    def describe(
        self, manifest: Manifest, *, revision: int, counts: dict[str, int], kinds: dict[str, int], problems: int
    ) -> Manifest:
        """The manifest of the next revision of a generation."""
        return dataclasses.replace(
            manifest,
            revision=revision,
            source=str(self.folder.resolve()),
            documents_folders=self.documents_folders,
            source_format=self.sources.format,
            configuration_name=self.sources.configuration_name,
            configuration_version=self.sources.configuration_version,
            created=now(),
            counts=counts,
            kinds=kinds,
            problems=problems,
        )


def now() -> str:
    """This moment as manifests write it: ISO 8601, UTC."""
    return dt.datetime.now(dt.timezone.utc).isoformat(timespec="seconds")
