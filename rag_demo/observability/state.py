"""What the indexes of a data folder are now, as numbers."""

from __future__ import annotations

import datetime as dt
import os
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from rag_demo.index.store import SpaceStore


@dataclass(frozen=True, slots=True)
class IndexState:
    """All spaces together: no name of a space becomes a label."""

    n_spaces: int
    documents: Mapping[str, int]  # sort of document → how many
    n_unread_files: int
    n_generations: int
    n_bytes: int
    age_s: float  # since the space that was not updated for longest was updated; 0 where there is none


def index_state(data_folder: Path, *, now: dt.datetime | None = None) -> IndexState:
    """Look at the manifests and the files below a data folder; takes milliseconds.

    Args:
        data_folder: as `SpaceStore` has it.
        now: the present, with a time zone; None asks the system.
    """
    manifests = SpaceStore(data_folder).manifests()
    spaces = data_folder / "spaces"
    now = now or dt.datetime.now(dt.timezone.utc)
    ages_s = [(now - dt.datetime.fromisoformat(manifest.created)).total_seconds() for manifest in manifests]
    documents: Counter[str] = Counter()
    for manifest in manifests:
        documents.update(manifest.counts)
    return IndexState(
        n_spaces=len(manifests),
        documents=documents,
        n_unread_files=sum(manifest.problems for manifest in manifests),
        n_generations=sum(1 for entry in spaces.glob("*/*") if entry.is_dir()),
        n_bytes=_size_bytes(spaces),
        age_s=max(ages_s, default=0.0),
    )


def _size_bytes(folder: Path) -> int:
    """Bytes on disk: vectors lie in sparse files, whose length says little."""
    total = 0
    for parent, _, names in os.walk(folder):
        for name in names:
            try:
                status = Path(parent, name).stat()
            except OSError:  # a generation that is just being removed
                continue
            total += getattr(status, "st_blocks", 0) * 512 or status.st_size
    return total
