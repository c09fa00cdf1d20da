"""The documents themselves in SQLite: hits are filled in from here, and names are looked up as written."""

from __future__ import annotations

import contextlib
import dataclasses
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from rag_demo.errors import IndexBroken
from rag_demo.index.analyse import fold
from rag_demo.index.ports import EVERYWHERE, DocKey, Where
from rag_demo.types import Document

_COLUMNS = tuple(field.name for field in dataclasses.fields(Document))
_FLAGS = frozenset(field.name for field in dataclasses.fields(Document) if field.type == "bool")
_SCHEMA = f"""
CREATE TABLE documents ({", ".join(_COLUMNS)}, PRIMARY KEY (space_id, doc_id));
CREATE TABLE names (name TEXT NOT NULL, document INTEGER NOT NULL);
"""
_SELECT = f"SELECT {', '.join('d.' + column for column in _COLUMNS)} FROM documents d"  # noqa: S608  # own constants
_BATCH = 500  # older SQLite takes at most 999 parameters


class Listed(NamedTuple):
    """An object in a list: the document that describes it, its name, and what users call it."""

    key: DocKey
    full_name: str
    synonym: str


class Catalogue:
    """Documents of one or more spaces in one SQLite file. Filled once, then read by any number of processes."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    @classmethod
    def create(cls, file: Path) -> Catalogue:
        """A new, empty catalogue; ``file`` must not exist yet."""
        connection = sqlite3.connect(file, isolation_level=None)
        # Nobody reads the file before it is whole, so a journal would only cost time.
        connection.executescript(f"PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; {_SCHEMA} BEGIN;")
        return cls(connection)

    @classmethod
    def open(cls, file: Path) -> Catalogue:
        """The catalogue in ``file``, to read.

        Raises:
            IndexBroken: it is not there or not readable.
        """
        with contextlib.ExitStack() as opening, _translated(f"The catalogue {file} cannot be used"):
            # Sharing between threads is safe: the library serialises calls, and nothing is written.
            connection = sqlite3.connect(f"{file.resolve().as_uri()}?mode=ro", uri=True, check_same_thread=False)
            opening.callback(connection.close)
            connection.execute("SELECT 1 FROM names LIMIT 1")
            opening.pop_all()
            return cls(connection)

    def add(self, documents: Iterable[Document]) -> None:
        """Store documents that are not there yet."""
        marks = ", ".join("?" * len(_COLUMNS))
        with _translated("The catalogue cannot be written"):
            for document in documents:
                values = [getattr(document, column) for column in _COLUMNS]
                cursor = self._connection.execute(f"INSERT INTO documents VALUES ({marks})", values)  # noqa: S608
                rows = [(name, cursor.lastrowid) for name in _names(document)]
                self._connection.executemany("INSERT INTO names VALUES (?, ?)", rows)

    def seal(self) -> None:
        """Bring everything to disk."""
        # `executescript` first commits what is open.
        with _translated("The catalogue cannot be written"):
            self._connection.executescript("CREATE INDEX by_name ON names (name); PRAGMA optimize;")

    def fetch(self, keys: Sequence[DocKey]) -> dict[DocKey, Document]:
        """The documents with these keys; unknown keys are left out."""
        found = {}
        for space_id in dict.fromkeys(key.space_id for key in keys):
            ids = [key.doc_id for key in keys if key.space_id == space_id]
            for start in range(0, len(ids), _BATCH):
                batch = ids[start : start + _BATCH]
                condition = f"WHERE d.space_id = ? AND d.doc_id IN ({', '.join('?' * len(batch))})"
                for document in self._read(condition, [space_id, *batch]):
                    found[DocKey(document.space_id, document.doc_id)] = document
        return found

    def look_up(self, name: str, limit: int, *, where: Where = EVERYWHERE) -> list[DocKey]:
        """Documents called exactly ``name``, upper and lower case and ё/е taken as equal.

        Args:
            name: the last part of a name, the last two («Модуль.Метод», «Catalog.Валюты») or the full name.
            limit: the most keys to return; exported methods come first, then the order of indexing.
            where: filter.
        """
        wanted = {"d.space_id": where.space_ids, "d.doc_type": where.doc_types}
        conditions = [f"{column} IN ({', '.join('?' * len(values))})" for column, values in wanted.items() if values]
        parameters = [value for values in wanted.values() for value in values]
        rows = self._rows(
            "SELECT d.space_id, d.doc_id FROM names n JOIN documents d ON d.rowid = n.document WHERE "  # noqa: S608
            + " AND ".join(["n.name = ?", *conditions])
            + " ORDER BY d.export DESC, d.rowid LIMIT ?",
            [fold(name), *parameters, limit],
        )
        return [DocKey(*row) for row in rows]

    def of_kind(self, kind: str, *, where: Where = EVERYWHERE) -> list[Listed]:
        """All objects of an English kind, in the order of indexing."""
        spaces = f"AND d.space_id IN ({', '.join('?' * len(where.space_ids))})" if where.space_ids else ""
        rows = self._rows(
            "SELECT d.space_id, d.doc_id, d.full_name, d.synonym, MIN(d.rowid) AS first FROM documents d "  # noqa: S608
            f"WHERE d.doc_type = 'metadata_object' AND d.object_kind = ? {spaces} "
            "GROUP BY d.space_id, d.full_name ORDER BY first",
            [kind, *where.space_ids],
        )
        return [
            Listed(DocKey(space_id, doc_id), full_name, synonym) for space_id, doc_id, full_name, synonym, _ in rows
        ]

    def close(self) -> None:
        """Let go of the file. May be called twice."""
        self._connection.close()

    def _read(self, condition: str, parameters: Sequence[Any]) -> Iterator[Document]:
        for row in self._rows(f"{_SELECT} {condition}", parameters):
            values = dict(zip(_COLUMNS, row, strict=True))
            yield Document(**values | {flag: bool(values[flag]) for flag in _FLAGS})

    def _rows(self, statement: str, parameters: Sequence[Any]) -> list[tuple[Any, ...]]:
        with _translated("The catalogue cannot be used"):
            return self._connection.execute(statement, parameters).fetchall()


def _names(document: Document) -> set[str]:
    """Every ending of the full name, with and without the module: «Справочники.Валюты.Метод» leaves it out."""
    parts = fold(document.full_name).split(".")
    shorter = [part for part in parts if part != fold(document.module_kind)]
    return {".".join(name[start:]) for name in (parts, shorter) for start in range(len(name))} | {fold(document.name)}


@contextlib.contextmanager
def _translated(what: str) -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        raise IndexBroken(f"{what}: {error}. Index again.") from error
