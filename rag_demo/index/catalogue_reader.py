"""Reading a catalogue at one revision: documents by their keys, names as they are written, and what was read when."""

from __future__ import annotations

import dataclasses
import sqlite3
import threading
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from rag_demo.index.analyse import fold
from rag_demo.index.catalogue_tables import COLUMNS, STATE, opened, translated
from rag_demo.index.ports import EVERYWHERE, FIRST_REVISION, DocKey, Where
from rag_demo.index.states import FileState
from rag_demo.index.traits import Traits, decode_traits
from rag_demo.ingest import Problem
from rag_demo.types import Document

_FLAGS = frozenset(field.name for field in dataclasses.fields(Document) if field.type == "bool")
_SELECT = f"SELECT {', '.join('d.' + column for column in COLUMNS)}"  # own constants, as in all statements below
_VISIBLE = "f.gen_from <= :revision AND f.gen_to > :revision"
_BATCH = 500  # older SQLite takes at most 999 parameters


class Listed(NamedTuple):
    """An object in a list: the document that describes it, its name, and what users call it."""

    key: DocKey
    full_name: str
    synonym: str


class Outline(NamedTuple):
    """What ordering needs to know of a document. ``called``: see `short_names`."""

    full_name: str
    object_kind: str
    object_name: str
    traits: Traits
    called: tuple[str, ...] = ()


class CatalogueReader:
    """A catalogue as it is at one revision. Safe to call from several threads."""

    def __init__(self, connection: sqlite3.Connection, revision: int) -> None:
        self._connection = connection
        self._revision = revision
        self._reading = threading.Lock()  # see `opened`

    @classmethod
    def open(cls, file: Path, *, revision: int = FIRST_REVISION) -> CatalogueReader:
        """The catalogue in ``file``.

        Raises:
            IndexBroken: it is not there or not readable.
        """
        return cls(opened(file, writes=False, what=f"The catalogue {file} cannot be used"), revision)

    def fetch(self, keys: Sequence[DocKey]) -> dict[DocKey, Document]:
        """The documents with these keys; unknown keys are left out."""
        found = {}
        for space_id in dict.fromkeys(key.space_id for key in keys):
            ids = [key.doc_id for key in keys if key.space_id == space_id]
            for batch in _batches(ids):
                marks, values = _placeholders("id", batch)
                condition = f"d.space_id = :space AND d.doc_id IN ({marks})"
                for document in self._documents(condition, values | {"space": space_id}):
                    found[DocKey(document.space_id, document.doc_id)] = document
        return found

    def outlines(self, paths: Sequence[str] | None = None) -> Iterator[tuple[str, Outline]]:
        """Ids of all documents, or of those of the files ``paths``, with what they are in short."""
        statement = (
            "SELECT d.doc_id, d.full_name, d.object_kind, d.object_name, d.traits, d.name, d.module_kind "  # noqa: S608
            f"FROM documents d JOIN files f ON f.id = d.file WHERE {_VISIBLE}"
        )
        rows = self._rows(statement, {}) if paths is None else self._rows_of_paths(statement, paths)
        for doc_id, full_name, kind, owner, traits, name, module_kind in rows:
            called = short_names(full_name, name, module_kind)
            yield doc_id, Outline(full_name, kind, owner, decode_traits(traits), called)

    def names(self) -> list[str]:
        """Names of all documents and of the objects that they belong to, each as often as it is there."""
        statement = f"SELECT d.name, d.object_name FROM documents d JOIN files f ON f.id = d.file WHERE {_VISIBLE}"  # noqa: S608
        return [name for row in self._rows(statement, {}) for name in row]

    def look_up(self, name: str, limit: int, *, where: Where = EVERYWHERE) -> list[DocKey]:
        """Documents called exactly ``name``, upper and lower case and ё/е taken as equal.

        Args:
            name: the last part of a name, the last two («Модуль.Метод», «Catalog.Валюты») or the full name.
            limit: the most keys to return; exported methods come first, then the order of paths and lines.
            where: filter.
        """
        conditions, values = _filter(where)
        rows = self._rows(
            "SELECT d.space_id, d.doc_id FROM names n JOIN documents d ON d.rowid = n.document "  # noqa: S608
            f"JOIN files f ON f.id = d.file WHERE n.name = :name AND {_VISIBLE} {conditions} "
            "ORDER BY d.export DESC, d.path, d.line_start, d.rowid LIMIT :limit",
            {"name": fold(name), "limit": limit, **values},
        )
        return [DocKey(*row) for row in rows]

    def of_kind(self, kind: str, *, where: Where = EVERYWHERE) -> list[Listed]:
        """All objects of an English kind, in the order of paths."""
        conditions, values = _filter(Where(where.space_ids))
        rows = self._rows(
            "SELECT d.space_id, d.doc_id, d.full_name, d.synonym, d.path, d.line_start "  # noqa: S608
            "FROM documents d JOIN files f ON f.id = d.file "
            f"WHERE d.doc_type = 'metadata_object' AND d.object_kind = :kind AND {_VISIBLE} {conditions} "
            "ORDER BY d.path, d.line_start, d.rowid",
            {"kind": kind, **values},
        )
        first: dict[tuple[str, str], Listed] = {}
        for space_id, doc_id, full_name, synonym, *_ in rows:
            first.setdefault((space_id, full_name), Listed(DocKey(space_id, doc_id), full_name, synonym))
        return list(first.values())

    def of_path(self, path: str) -> list[Document]:
        """The documents of one file, in the order of lines."""
        return list(self._documents("f.path = :path", {"path": path}))

    def states(self) -> dict[str, FileState]:
        """The files that were read, by path."""
        columns = ", ".join(f"f.{column}" for column in STATE)
        rows = self._rows(f"SELECT {columns} FROM files f WHERE {_VISIBLE}", {})  # noqa: S608
        return {state.path: state for state in (FileState(*row) for row in rows)}

    def problems(self) -> list[Problem]:
        """What was wrong with the files that were read, by path."""
        statement = f"SELECT p.path, p.message FROM problems p JOIN files f ON f.id = p.file WHERE {_VISIBLE}"  # noqa: S608
        return [Problem(*row) for row in self._rows(f"{statement} ORDER BY p.path, p.rowid", {})]

    def versions(self, paths: Sequence[str] | None = None) -> dict[str, str]:
        """Versions of all documents, or of those of the files ``paths``, with the ids of the documents."""
        statement = f"SELECT d.version, d.doc_id FROM documents d JOIN files f ON f.id = d.file WHERE {_VISIBLE}"  # noqa: S608
        return dict(self._rows(statement, {}) if paths is None else self._rows_of_paths(statement, paths))

    def with_versions(self, versions: Collection[str]) -> Iterator[Document]:
        """The documents with these versions, in the order of paths and lines within each batch."""
        rows = self._rows(
            f"SELECT d.version, d.rowid FROM documents d JOIN files f ON f.id = d.file WHERE {_VISIBLE} "  # noqa: S608
            "ORDER BY d.path, d.line_start, d.rowid",
            {},
        )
        wanted = set(versions)
        for batch in _batches([rowid for version, rowid in rows if version in wanted]):
            marks, values = _placeholders("row", batch)
            yield from self._documents(f"d.rowid IN ({marks})", values)

    def counts(self) -> dict[str, int]:
        """Number of documents per ``doc_type``."""
        rows = self._rows(
            "SELECT d.doc_type, COUNT(*) FROM documents d JOIN files f ON f.id = d.file "  # noqa: S608
            f"WHERE {_VISIBLE} GROUP BY d.doc_type",
            {},
        )
        return dict(rows)

    def kinds(self) -> dict[str, int]:
        """Number of documents per kind of object."""
        rows = self._rows(
            "SELECT d.object_kind, COUNT(*) FROM documents d JOIN files f ON f.id = d.file "  # noqa: S608
            f"WHERE {_VISIBLE} GROUP BY d.object_kind",
            {},
        )
        return dict(rows)

    def count_files(self) -> int:
        """Number of files that gave documents."""
        return len(
            self._rows(
                f"SELECT DISTINCT d.file FROM documents d JOIN files f ON f.id = d.file WHERE {_VISIBLE}",  # noqa: S608
                {},
            )
        )

    def close(self) -> None:
        """Let go of the file. May be called twice."""
        self._connection.close()

    def _documents(self, condition: str, values: Mapping[str, Any]) -> Iterator[Document]:
        statement = (
            f"{_SELECT} FROM documents d JOIN files f ON f.id = d.file WHERE {_VISIBLE} AND {condition} "
            "ORDER BY d.path, d.line_start, d.rowid"
        )
        for row in self._rows(statement, values):
            found = dict(zip(COLUMNS, row, strict=True))
            yield Document(**found | {flag: bool(found[flag]) for flag in _FLAGS})

    def _rows_of_paths(self, statement: str, paths: Sequence[str]) -> Iterator[tuple[Any, ...]]:
        for batch in _batches(paths):
            marks, values = _placeholders("path", batch)
            yield from self._rows(f"{statement} AND f.path IN ({marks})", values)

    def _rows(self, statement: str, values: Mapping[str, Any]) -> list[tuple[Any, ...]]:
        with self._reading, translated("The catalogue cannot be used"):
            return self._connection.execute(statement, {"revision": self._revision, **values}).fetchall()


def short_names(full_name: str, name: str, module_kind: str) -> tuple[str, ...]:
    """What a document is called by one word: its own name first, and that of its object if it is a module of it."""
    parts = fold(full_name).split(".")
    shorter = [part for part in parts if part != fold(module_kind)]
    return tuple(dict.fromkeys([fold(name), parts[-1], *shorter[-1:]]))


def _filter(where: Where) -> tuple[str, dict[str, Any]]:
    conditions = ""
    values: dict[str, Any] = {}
    for column, wanted in where.fields().items():
        marks, named = _placeholders(column, wanted)
        conditions += f" AND d.{column} IN ({marks})"
        values |= named
    return conditions, values


def _placeholders(name: str, wanted: Sequence[Any]) -> tuple[str, dict[str, Any]]:
    values = {f"{name}{number}": value for number, value in enumerate(wanted)}
    return ", ".join(f":{key}" for key in values), values


def _batches(items: Sequence[Any]) -> Iterator[Sequence[Any]]:
    for start in range(0, len(items), _BATCH):
        yield items[start : start + _BATCH]
