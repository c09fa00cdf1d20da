"""Who owns a data folder: a file that says how to reach the process, and a lock that ends with it."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from rag_demo.errors import IndexBusy
from rag_demo.owner.wire import PROTOCOL

_FILE, _LOCK = "owner.json", "owner.sqlite"


@dataclass(frozen=True, slots=True)
class OwnerRecord:
    """How to reach the process that holds the indexes. The token is a secret of the user: mode 0600."""

    pid: int
    port: int
    token: str = dataclasses.field(repr=False)
    command: str  # what runs there, for messages: "rag-demo watch"
    version: str  # of the program
    protocol: int = PROTOCOL


@contextlib.contextmanager
def claimed(data_folder: Path, record: OwnerRecord) -> Iterator[None]:
    """Own a data folder until the way out.

    Raises:
        IndexBusy: another process owns it.
    """
    data_folder.mkdir(parents=True, exist_ok=True)
    connection = _locked(data_folder / _LOCK)
    if connection is None:
        raise IndexBusy(f"Another process holds the indexes in {data_folder}{_told(data_folder)}.")
    file = data_folder / _FILE
    try:
        _write_private(file, json.dumps(dataclasses.asdict(record)))
        try:
            yield
        finally:
            file.unlink(missing_ok=True)
    finally:
        connection.close()


def read_record(data_folder: Path) -> OwnerRecord | None:
    """The process that owns a data folder now; what a dead one left behind is not taken for one."""
    file = data_folder / _FILE
    if not file.is_file():
        return None
    connection = _locked(data_folder / _LOCK)
    if connection is not None:  # nobody holds the lock, so the process that wrote the file has ended
        with contextlib.closing(connection):
            file.unlink(missing_ok=True)
        return None
    try:
        values = json.loads(file.read_text(encoding="utf-8"))
        names = {field.name for field in dataclasses.fields(OwnerRecord)}
        return OwnerRecord(**{name: value for name, value in values.items() if name in names})
    except (OSError, ValueError, TypeError, AttributeError):
        return None  # it is just being written or has just been removed


def _told(data_folder: Path) -> str:
    record = read_record(data_folder)
    return f": {record.command}, process {record.pid}" if record else ""


def _locked(file: Path) -> sqlite3.Connection | None:
    """A connection that holds an exclusive lock, which ends with the process, whatever ends it; None if it is taken."""
    connection = sqlite3.connect(file, timeout=0, isolation_level=None, check_same_thread=False)
    try:
        connection.execute("BEGIN EXCLUSIVE")
    except sqlite3.OperationalError:
        connection.close()
        return None
    return connection


def _write_private(file: Path, text: str) -> None:
    """Replace the file at once; only the user may read it."""
    draft = file.with_name(f"{file.name}.new")
    draft.unlink(missing_ok=True)
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
        stream.write(text)
    draft.replace(file)
