"""Whether a disk has room for an index. It is asked beforehand, because running out of room cannot be caught.

The vector engine maps its files into memory. They have holes, and where the disk is full when a hole is filled, the
system ends the process (SIGBUS) without any error that could be reported.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

from rag_demo.errors import NoRoom
from rag_demo.types import Document

MIB = 1024 * 1024
# Files of the engine that do not grow with the documents, and what others write to the disk meanwhile.
_RESERVE = 64 * MIB
# Measured at the peak, disk blocks used: vectors take 2.2 (384 dimensions) to 3.3 times (2,048) their own size,
# because old and new segments stand side by side; words and documents 1.8 bytes for each byte of text, which is
# up to 3.6 for each character.
_VECTOR_COPIES = 4
_TEXT_COPIES = 4


def for_vectors(documents: int, *, dimension: int) -> int:
    """Bytes for the vectors of that many documents, float32, and for what is needed while they are built."""
    return documents * dimension * 4 * _VECTOR_COPIES + _RESERVE


def for_index(documents: Sequence[Document], *, dimension: int) -> int:
    """Bytes for all of an index."""
    texts = sum(len(document.text) + len(document.body) + len(document.doc) for document in documents)
    return texts * _TEXT_COPIES + for_vectors(len(documents), dimension=dimension)


def check_room(folder: Path, needed: int) -> None:
    """Raise NoRoom unless the disk of ``folder`` has ``needed`` bytes left."""
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise NoRoom(
            f"The disk of {folder} is too full for this index: about {needed / MIB:,.0f} MiB are needed, "
            f"{free / MIB:,.0f} MiB are free. Free some, or set RAG_DATA_DIR to a folder on another disk."
        )
