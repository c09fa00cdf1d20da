"""The tables of a catalogue, and how errors of SQLite are told.

Revisions hang on files: a row of ``files`` has ``gen_from`` and ``gen_to``, and documents, names and problems belong
to a file. So a file that changed is one row that ends and another that begins, whatever is in it.
"""

from __future__ import annotations

import contextlib
import dataclasses
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from rag_demo.errors import IndexBroken, IndexBusy, NoRoom
from rag_demo.index.states import FileState
from rag_demo.types import Document

COLUMNS = tuple(field.name for field in dataclasses.fields(Document))
STATE = tuple(field.name for field in dataclasses.fields(FileState))
NEVER = 2**62  # the end of a row that has none
WAIT_S = 10.0  # for a process that is just committing
SCHEMA = f"""
CREATE TABLE files (
    id INTEGER PRIMARY KEY, {", ".join(STATE)}, gen_from INTEGER NOT NULL, gen_to INTEGER NOT NULL);
CREATE TABLE documents (file INTEGER NOT NULL, version TEXT NOT NULL, traits TEXT NOT NULL, {", ".join(COLUMNS)},
    UNIQUE (file, space_id, doc_id));
CREATE TABLE names (name TEXT NOT NULL, document INTEGER NOT NULL);
CREATE TABLE problems (file INTEGER NOT NULL, path TEXT NOT NULL, message TEXT NOT NULL);
"""
INDEXES = """
CREATE INDEX IF NOT EXISTS files_by_path ON files (path);
CREATE INDEX IF NOT EXISTS documents_by_id ON documents (doc_id);
CREATE INDEX IF NOT EXISTS documents_by_sort ON documents (file, doc_type, object_kind);
CREATE INDEX IF NOT EXISTS by_name ON names (name);
CREATE INDEX IF NOT EXISTS names_by_document ON names (document);
CREATE INDEX IF NOT EXISTS problems_by_file ON problems (file);
"""


@contextlib.contextmanager
def translated(what: str) -> Iterator[None]:
    """Raise NoRoom, IndexBusy or IndexBroken for an error of SQLite; ``what`` begins the message."""
    try:
        yield
    except sqlite3.Error as error:
        if "full" in str(error):
            raise NoRoom(f"{what}: the disk is full. Free some room, or set RAG_DATA_DIR to another disk.") from error
        if "locked" in str(error):
            raise IndexBusy(f"{what}: another process has been writing it for long. Try again.") from error
        raise IndexBroken(f"{what}: {error}. Index again.") from error


def opened(file: Path, *, writes: bool, what: str) -> sqlite3.Connection:
    """A connection to a file of ours that is there. Threads may share it if they take turns, statement by statement.

    From Python 3.12 on two threads that run the same statement at once get each other's parameters and rows.

    Readers too may write as far as SQLite is concerned: where a process was killed while it committed, the next one to
    open the file puts it back as it was before, whoever that is.

    Args:
        file: made before.
        writes: whether statements may change it.
        what: begins the message of an error.

    Raises:
        IndexBroken: it is not there or not readable.
        IndexBusy: another process is writing it, and does not come to an end.
    """
    with contextlib.ExitStack() as opening, translated(what):
        uri = f"{file.resolve().as_uri()}?mode=rw"
        connection = sqlite3.connect(uri, uri=True, timeout=WAIT_S, isolation_level=None, check_same_thread=False)
        opening.callback(connection.close)
        connection.execute("SELECT 1 FROM names LIMIT 1")
        # A writer that runs out of pages would lock readers out until it commits, and an update may take minutes.
        connection.execute("PRAGMA cache_spill = OFF" if writes else "PRAGMA query_only = ON")
        opening.pop_all()
        return connection
