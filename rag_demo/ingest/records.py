"""What reading a configuration gives back."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from rag_demo.ingest.facts import Fact
from rag_demo.types import Document


@dataclass(frozen=True, slots=True)
class Problem:
    """One file that was skipped or only partly read, and why."""

    path: str
    message: str


@dataclass(frozen=True, slots=True)
class Listed:
    """A file that would be read, before it is."""

    path: str  # as documents cite it
    location: Path
    needs: tuple[str, ...] = ()  # paths of other listed files that also decide what it says


@dataclass(frozen=True, slots=True)
class FileRead:
    """What one file says, and what was wrong with it."""

    path: str
    documents: list[Document]
    facts: list[Fact]
    problems: list[Problem] = field(default_factory=list)


class SourceFolder(Protocol):
    """A folder that is read file by file: a dump, or documents beside it."""

    @property
    def problems(self) -> list[Problem]:
        """What was met on the way to the files, known after `listing`."""

    def listing(self) -> list[Listed]:
        """Every file that would be read."""

    def read(
        self, paths: Collection[str] | None = None, *, on_progress: Callable[[int, int], None] | None = None
    ) -> Iterator[FileRead]:
        """What the listed files say, all or those with the given paths; it says the same in either case."""


@dataclass(frozen=True, slots=True)
class Ingested:
    """All documents of one configuration, in the order of paths and lines, and all facts."""

    documents: list[Document]
    problems: list[Problem]
    configuration_name: str
    configuration_version: str
    format: str  # "designer 2.20", "edt", "edt extension"
    facts: list[Fact] = field(default_factory=list)

    @property
    def skipped(self) -> list[Problem]:
        """Problems that cost a whole file or folder."""
        return [problem for problem in self.problems if problem.message.startswith("skipped:")]
