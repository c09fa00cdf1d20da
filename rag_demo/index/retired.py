"""Which rows of an index have an end, for engines that cannot change a row in place: a small file beside it."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path

from rag_demo.errors import IndexBroken


def read_retired(file: Path) -> dict[str, int]:
    """Versions and the first revision at which each is not visible; a file that is not there says that none is retired.

    Raises:
        IndexBroken: the file is damaged.
    """
    try:
        values = json.loads(file.read_text(encoding="utf-8"))
        return {str(version): int(revision) for version, revision in values.items()}
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, AttributeError) as error:
        raise IndexBroken(f"{file} cannot be read: {error}. Index again.") from error


def write_retired(file: Path, retired: Mapping[str, int]) -> None:
    """Replace the file at once: whatever stops the process, the old or the new list is there."""
    write_atomically(file, json.dumps(retired))


def write_atomically(file: Path, text: str) -> None:
    """Replace a text file so that readers and crashes find the old or the new content, nothing between."""
    draft = file.with_name(f"{file.name}.new")
    with draft.open("w", encoding="utf-8") as stream:
        stream.write(text)
        stream.flush()
        os.fsync(stream.fileno())
    draft.replace(file)
