"""What is remembered of a file that was read, to tell later whether it has to be read again."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FileState:
    """One file as it was when it was read."""

    path: str  # as documents cite it
    size_bytes: int = -1
    mtime_ns: int = 0  # 0: changed so shortly before that only the content can tell
    digest: str = ""  # of its bytes
    needs: str = ""  # of the other files that decide what it says, e.g. that of the object of a module
