"""Reading a 1C:Enterprise configuration into documents."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from rag_demo.ingest.detect import layout_of
from rag_demo.ingest.reader import read_dump
from rag_demo.ingest.records import Ingested, Problem

__all__ = ["Ingested", "Problem", "read_configuration"]


def read_configuration(
    root: Path,
    *,
    space_id: str,
    on_progress: Callable[[int, int], None] | None = None,
) -> Ingested:
    """Read the configuration whose dump lies in ``root``.

    Args:
        root: folder that holds ``Configuration.xml``.
        space_id: name under which the documents are kept apart from those of other configurations.
        on_progress: called with the number of files done and of all files.

    Returns:
        The documents, and a problem for each file that was skipped or partly read.

    Raises:
        NotADump: the folder is not a dump that we read; the message says what it is and what to do.
    """
    return read_dump(root, layout_of(root), space_id, on_progress)
