"""What reading a configuration gives back."""

from __future__ import annotations

from dataclasses import dataclass, field

from rag_demo.ingest.facts import Fact
from rag_demo.types import Document


@dataclass(frozen=True, slots=True)
class Problem:
    """One file that was skipped or only partly read, and why."""

    path: str
    message: str


@dataclass(frozen=True, slots=True)
class FileRead:
    """What one file of a dump says."""

    path: str
    documents: list[Document]
    facts: list[Fact]


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
