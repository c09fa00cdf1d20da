"""The documents themselves in SQLite: hits are filled in from here, and names are looked up as written."""

from __future__ import annotations

import contextlib
import dataclasses
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from rag_demo.index.analyse import fold
from rag_demo.index.catalogue_reader import CatalogueReader, Listed
from rag_demo.index.catalogue_tables import COLUMNS, INDEXES, NEVER, SCHEMA, STATE, opened, translated
from rag_demo.index.ports import FIRST_REVISION, version_of
from rag_demo.index.states import FileState
from rag_demo.index.traits import encode_traits
from rag_demo.ingest import Problem
from rag_demo.types import Document

__all__ = ["Catalogue", "Listed"]


class Catalogue:
    """Documents of one or more spaces in one SQLite file, to write. One process at a time writes, any number read."""

    def __init__(self, connection: sqlite3.Connection, file: Path) -> None:
        self._connection = connection
        self._file = file

    @classmethod
    def create(cls, file: Path) -> Catalogue:
        """A new, empty catalogue; ``file`` must not exist yet."""
        connection = sqlite3.connect(file, isolation_level=None, check_same_thread=False)
        # Nobody reads the file before it is whole, so a journal would only cost time.
        connection.executescript(f"PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; {SCHEMA} BEGIN;")
        return cls(connection, file)

    @classmethod
    def open(cls, file: Path) -> Catalogue:
        """The catalogue in ``file``, to read and to write.

        Raises:
            IndexBroken: it is not there or not readable.
        """
        return cls(opened(file, writes=True, what=f"The catalogue {file} cannot be used"), file)

    def add(self, documents: Iterable[Document], *, revision: int = FIRST_REVISION) -> None:
        """Store documents whose files are not there yet."""
        files: dict[str, list[Document]] = {}
        for document in documents:
            files.setdefault(document.path, []).append(document)
        for path, found in files.items():
            self.replace(FileState(path), found, revision=revision)

    def replace(
        self, state: FileState, documents: Sequence[Document], *, problems: Sequence[Problem] = (), revision: int
    ) -> None:
        """From ``revision`` on, a file says this and nothing else. It takes effect with `seal`.

        Args:
            state: the file as it was when it was read.
            documents: all that it gave.
            problems: why it, or a part of it, is missing.
            revision: the first at which this is visible.
        """
        self.remove([state.path], revision=revision)
        with self._writing() as run:
            marks = ", ".join("?" * len(STATE))
            file = run(
                f"INSERT INTO files ({', '.join(STATE)}, gen_from, gen_to) VALUES ({marks}, ?, ?)",  # noqa: S608
                [*dataclasses.astuple(state), revision, NEVER],
            ).lastrowid
            for problem in problems:
                run("INSERT INTO problems VALUES (?, ?, ?)", [file, problem.path, problem.message])
            marks = ", ".join("?" * (len(COLUMNS) + 3))
            for document in documents:
                values = [file, version_of(document), encode_traits(document)]
                values += [getattr(document, column) for column in COLUMNS]
                row = run(f"INSERT INTO documents VALUES ({marks})", values).lastrowid  # noqa: S608
                for name in _names(document):
                    run("INSERT INTO names VALUES (?, ?)", [name, row])

    def remove(self, paths: Iterable[str], *, revision: int) -> None:
        """From ``revision`` on, these files are gone."""
        with self._writing() as run:
            for path in paths:
                run("UPDATE files SET gen_to = ? WHERE path = ? AND gen_to = ?", [revision, path, NEVER])

    def touch(self, states: Iterable[FileState]) -> None:
        """Note new times of files whose content is the same; this belongs to no revision."""
        changed = ", ".join(f"{column} = ?" for column in STATE)
        with self._writing() as run:
            for state in states:
                values = [*dataclasses.astuple(state), state.path, NEVER]
                run(f"UPDATE files SET {changed} WHERE path = ? AND gen_to = ?", values)  # noqa: S608

    def collect(self, revision: int) -> None:
        """Delete what ended at or before ``revision``, and undo what an update to a later one left behind."""
        gone = "SELECT id FROM files WHERE gen_to <= :revision OR gen_from > :revision"
        rows = f"SELECT rowid FROM documents WHERE file IN ({gone})"  # noqa: S608
        with self._writing() as run:
            for statement in (
                f"DELETE FROM names WHERE document IN ({rows})",  # noqa: S608
                f"DELETE FROM documents WHERE file IN ({gone})",  # noqa: S608
                f"DELETE FROM problems WHERE file IN ({gone})",  # noqa: S608
                f"DELETE FROM files WHERE id IN ({gone})",  # noqa: S608
                f"UPDATE files SET gen_to = {NEVER} WHERE gen_to > :revision",  # noqa: S608
            ):
                run(statement, {"revision": revision})

    def seal(self) -> None:
        """Bring everything to disk, at once: a process that ends before leaves the state of the last time."""
        with self._told():
            if self._connection.in_transaction:
                self._connection.execute("COMMIT")
            self._connection.executescript(f"{INDEXES} PRAGMA optimize;")

    def at(self, revision: int) -> CatalogueReader:
        """A reader of that revision, of what was sealed."""
        return CatalogueReader.open(self._file, revision=revision)

    def close(self) -> None:
        """Let go of the file; what was not sealed is dropped. May be called twice."""
        self._connection.close()

    @contextlib.contextmanager
    def _writing(self) -> Iterator[Any]:
        with self._told():
            if not self._connection.in_transaction:
                self._connection.execute("BEGIN IMMEDIATE")
            yield self._connection.execute

    def _told(self) -> contextlib.AbstractContextManager[None]:
        return translated(f"The catalogue {self._file} cannot be written")


def _names(document: Document) -> set[str]:
    """Every ending of the full name, with and without the module: «Справочники.Валюты.Метод» leaves it out."""
    parts = fold(document.full_name).split(".")
    shorter = [part for part in parts if part != fold(document.module_kind)]
    return {".".join(name[start:]) for name in (parts, shorter) for start in range(len(name))} | {fold(document.name)}
