"""Reading a 1C:Enterprise configuration into documents."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from rag_demo.ingest.archive import opened
from rag_demo.ingest.detect import layout_of
from rag_demo.ingest.facts import Fact
from rag_demo.ingest.reader import Dump
from rag_demo.ingest.records import FileRead, Ingested, Listed, Problem, SourceFolder
from rag_demo.types import Document

__all__ = [
    "REVISION",
    "Dump",
    "FileRead",
    "Ingested",
    "Listed",
    "Problem",
    "SourceFolder",
    "open_dump",
    "read_configuration",
]

# Of what files are turned into. Another one makes every index anew: raise it when the same file gives other documents
# or facts.
REVISION = 4


def read_configuration(
    root: Path,
    *,
    space_id: str,
    on_progress: Callable[[int, int], None] | None = None,
) -> Ingested:
    """Read the configuration whose dump lies in ``root``.

    Args:
        root: folder that holds ``Configuration.xml``, an EDT project, or a ZIP archive of one of them.
        space_id: name under which the documents are kept apart from those of other configurations.
        on_progress: called with the number of files done and of all files.

    Returns:
        The documents, and a problem for each file that was skipped or partly read.

    Raises:
        NotADump: the folder is not a dump that we read; the message says what it is and what to do.
    """
    with opened(root) as archive:
        dump = open_dump(archive.folder, space_id=space_id)
        dump.listing()
        problems = [*archive.problems, *dump.problems]
        documents: list[Document] = []
        facts: list[Fact] = []
        for read in dump.read(on_progress=on_progress):
            documents += read.documents
            facts += read.facts
            problems += read.problems
    documents.sort(key=lambda document: (document.path, document.line_start))
    configuration = dump.configuration
    return Ingested(documents, problems, configuration.name, configuration.version, configuration.format, facts)


def open_dump(root: Path, *, space_id: str) -> Dump:
    """The dump in ``root``, to be read file by file.

    Raises:
        NotADump: as `read_configuration`.
    """
    return Dump(root, layout_of(root), space_id)
