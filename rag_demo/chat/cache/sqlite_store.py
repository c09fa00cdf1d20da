"""Cached answers in an SQLite file: they outlive the process, and several processes share them."""

from __future__ import annotations

import contextlib
import logging
import sqlite3
import threading
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

_log = logging.getLogger(__name__)
_SCHEMA = """
CREATE TABLE IF NOT EXISTS records (
    key TEXT PRIMARY KEY, value BLOB NOT NULL, expires REAL NOT NULL, kept REAL NOT NULL
);
CREATE TABLE IF NOT EXISTS tags (tag TEXT NOT NULL, key TEXT NOT NULL, PRIMARY KEY (tag, key)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS tags_by_key ON tags (key);
"""
_WAIT_S = 1.0
_BATCH = 500


class SqliteStore:
    """A `rag_demo.chat.cache.stores.Store` in one file. What fails is logged and counts as a miss."""

    def __init__(self, file: Path, *, most: int = 20_000, clock: Callable[[], float] = time.time) -> None:
        """Open or make the file.

        Args:
            file: of the database; its folder is made.
            most: records that are held; beyond it the oldest go.
            clock: seconds since the epoch, shared by all processes on one file.

        A damaged file is made anew: it is only a cache. Where no file can be made, answers are kept in memory.
        """
        self._file = file
        self._most = most
        self._clock = clock
        self._lock = threading.Lock()
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            self._connection = _opened(file)
        except (OSError, sqlite3.Error) as error:
            _log.warning("The cache of answers %s cannot be opened and is kept in memory: %s", file, error)
            self._connection = _connected(":memory:")

    def get_many(self, keys: Sequence[str]) -> dict[str, bytes]:
        """The records that are there and not over their time."""
        found: dict[str, bytes] = {}
        for start in range(0, len(keys), _BATCH):
            batch = keys[start : start + _BATCH]
            statement = f"SELECT key, value FROM records WHERE expires > ? AND key IN ({', '.join('?' * len(batch))})"  # noqa: S608
            found.update(self._rows(statement, [self._clock(), *batch]))
        return found

    def put(self, key: str, value: bytes, *, ttl_s: float, tags: Sequence[str]) -> None:
        """Keep a record for a time; on the way, what is over its time goes."""
        now = self._clock()

        def write() -> None:
            with self._connection:
                self._connection.execute("BEGIN IMMEDIATE")
                self._remove([key])
                self._connection.execute("INSERT INTO records VALUES (?, ?, ?, ?)", (key, value, now + ttl_s, now))
                self._connection.executemany("INSERT OR IGNORE INTO tags VALUES (?, ?)", [(tag, key) for tag in tags])
                over = self._connection.execute(
                    "SELECT key FROM records WHERE expires <= ? UNION ALL SELECT key FROM "
                    "(SELECT key FROM records ORDER BY kept DESC LIMIT -1 OFFSET ?) LIMIT ?",
                    (now, self._most, _BATCH),
                ).fetchall()
                self._remove([name for (name,) in over])

        self._tried(write)

    def delete(self, keys: Sequence[str]) -> None:
        """Forget records."""
        for start in range(0, len(keys), _BATCH):
            self._tried(partial(self._remove, keys[start : start + _BATCH]))

    def tagged(self, tag: str, most: int | None) -> list[str]:
        """Keys of the records with a tag, the newest first."""
        rows = self._rows(
            "SELECT t.key, 0 FROM tags t JOIN records r ON r.key = t.key WHERE t.tag = ? "
            "ORDER BY r.kept DESC, r.rowid DESC LIMIT ?",
            [tag, -1 if most is None else most],
        )
        return [key for key, _ in rows]

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._connection.close()

    def _remove(self, keys: Sequence[str]) -> None:
        marks = ", ".join("?" * len(keys))
        self._connection.execute(f"DELETE FROM records WHERE key IN ({marks})", keys)  # noqa: S608  # only question marks
        self._connection.execute(f"DELETE FROM tags WHERE key IN ({marks})", keys)  # noqa: S608

    def _rows(self, statement: str, parameters: Sequence[object]) -> list[tuple[str, bytes]]:
        found: list[tuple[str, bytes]] = []
        self._tried(lambda: found.extend(self._connection.execute(statement, parameters).fetchall()))
        return found

    def _tried(self, work: Callable[[], object]) -> None:
        try:
            with self._lock:
                work()
        except sqlite3.Error as error:
            _log.warning("The cache of answers cannot be used just now: %s", error)
            if _is_damaged(error):
                self._renew()

    def _renew(self) -> None:
        """Begin with an empty file: one that broke while it was open would stay broken."""
        with self._lock, contextlib.suppress(sqlite3.Error, OSError):
            self._connection.close()
            self._connection = _made_anew(self._file)


def _opened(file: Path) -> sqlite3.Connection:
    try:
        return _connected(file)
    except sqlite3.DatabaseError as error:
        if not _is_damaged(error):
            raise
        _log.warning("The cache of answers %s is damaged (%s) and is made anew.", file, error)
        return _made_anew(file)


def _made_anew(file: Path) -> sqlite3.Connection:
    for ending in ("", "-wal", "-shm"):
        file.with_name(file.name + ending).unlink(missing_ok=True)
    return _connected(file)


def _connected(file: Path | str) -> sqlite3.Connection:
    connection = sqlite3.connect(file, timeout=_WAIT_S, isolation_level=None, check_same_thread=False)
    try:
        connection.executescript(f"PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF; {_SCHEMA}")
    except BaseException:
        connection.close()
        raise
    return connection


def _is_damaged(error: sqlite3.Error) -> bool:
    """Whether the file is at fault; errors of the moment (locked, disk full) are of a narrower class."""
    return type(error) is sqlite3.DatabaseError
