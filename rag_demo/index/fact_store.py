"""Facts of one space in SQLite: replaced file by file, read at one revision."""

from __future__ import annotations

import contextlib
import sqlite3
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from rag_demo.index.catalogue_tables import NEVER, opened, translated
from rag_demo.index.fact_tables import INDEXES, SCHEMA, Named, fact_keys, fact_of, fact_row
from rag_demo.index.names import name_key
from rag_demo.index.ports import FIRST_REVISION
from rag_demo.ingest.facts import Fact, Origin, Relation, RelationKind

_VISIBLE = "f.gen_from <= :revision AND f.gen_to > :revision"
_FACTS = "SELECT t.sort, t.content, f.space_id, f.path, t.line_start, t.line_end"
_NAMED = (
    "FROM names n JOIN facts t ON t.id = n.fact JOIN files f ON f.id = t.file "
    f"WHERE n.name = :name AND (n.key = :key OR substr(n.key, -length(:ending)) = :ending) AND {_VISIBLE}"
)
_ORDER = "ORDER BY f.path, t.line_start, t.id"


class FactStore:
    """Facts in one file, to write. One process at a time writes, any number read."""

    def __init__(self, connection: sqlite3.Connection, file: Path) -> None:
        self._connection = connection
        self._file = file

    @classmethod
    def create(cls, file: Path) -> FactStore:
        """A new, empty store; ``file`` must not exist yet."""
        connection = sqlite3.connect(file, isolation_level=None, check_same_thread=False)
        # Nobody reads the file before it is whole, so a journal would only cost time.
        connection.executescript(f"PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; {SCHEMA} BEGIN;")
        return cls(connection, file)

    @classmethod
    def open(cls, file: Path) -> FactStore:
        """The store in ``file``, to read and to write.

        Raises:
            IndexBroken: it is not there or not readable.
        """
        return cls(_opened(file, writes=True), file)

    def add(self, facts: Iterable[Fact], *, revision: int = FIRST_REVISION) -> None:
        """Store facts whose files are not there yet."""
        files: dict[str, list[Fact]] = {}
        for fact in facts:
            files.setdefault(fact.origin.path, []).append(fact)
        for path, found in files.items():
            self.replace(path, found, revision=revision)

    def replace(self, path: str, facts: Iterable[Fact], *, revision: int) -> None:
        """From ``revision`` on, a file says these facts and no others. It takes effect with `seal`."""
        self.remove([path], revision=revision)
        file: int | None = None
        with self._writing() as run:
            for fact in facts:
                if file is None:
                    values = (fact.origin.space_id, path, revision, NEVER)
                    file = run("INSERT INTO files VALUES (NULL, ?, ?, ?, ?)", values).lastrowid
                if isinstance(fact, Relation):
                    run("INSERT INTO relations VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", (file, *_relation_row(fact)))
                    continue
                row = run("INSERT INTO facts VALUES (NULL, ?, ?, ?, ?, ?, ?, ?)", (file, *fact_row(fact))).lastrowid
                for key in fact_keys(fact):
                    run("INSERT INTO names VALUES (?, ?, ?)", (key.rpartition(".")[2], key, row))

    def remove(self, paths: Iterable[str], *, revision: int) -> None:
        """From ``revision`` on, these files say nothing."""
        with self._writing() as run:
            for path in paths:
                run("UPDATE files SET gen_to = ? WHERE path = ? AND gen_to = ?", (revision, path, NEVER))

    def collect(self, revision: int) -> None:
        """Delete what ended at or before ``revision``, and undo what an update to a later one left behind."""
        gone = "SELECT id FROM files WHERE gen_to <= :revision OR gen_from > :revision"
        with self._writing() as run:
            for statement in (
                f"DELETE FROM names WHERE fact IN (SELECT id FROM facts WHERE file IN ({gone}))",  # noqa: S608
                f"DELETE FROM facts WHERE file IN ({gone})",  # noqa: S608
                f"DELETE FROM relations WHERE file IN ({gone})",  # noqa: S608
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

    def at(self, revision: int) -> FactReader:
        """A reader of that revision, of what was sealed."""
        return FactReader.open(self._file, revision=revision)

    def close(self) -> None:
        """Let go of the file; what was not sealed is dropped. May be called twice."""
        self._connection.close()

    @contextlib.contextmanager
    def _writing(self) -> Iterator[Callable[..., sqlite3.Cursor]]:
        with self._told():
            if not self._connection.in_transaction:
                self._connection.execute("BEGIN IMMEDIATE")
            yield self._connection.execute

    def _told(self) -> contextlib.AbstractContextManager[None]:
        return translated(f"The facts in {self._file} cannot be written")


class FactReader:
    """The facts of one file at one revision. Names are given as `name_key` makes them. Safe to call from threads."""

    def __init__(self, connection: sqlite3.Connection, revision: int) -> None:
        self._connection = connection
        self._revision = revision
        self._reading = threading.Lock()  # see `opened`

    @classmethod
    def open(cls, file: Path, *, revision: int = FIRST_REVISION) -> FactReader:
        """The facts in ``file``.

        Raises:
            IndexBroken: it is not there or not readable.
        """
        return cls(_opened(file, writes=False), revision)

    def named(self, key: str) -> list[Named]:
        """Facts whose key is ``key`` or ends with it, part by part."""
        return self._facts(f"{_FACTS} {_NAMED} {_ORDER}", _named(key))

    def has(self, key: str) -> bool:
        """Whether `named` finds anything."""
        return bool(key.strip(".")) and bool(self._rows(f"SELECT 1 {_NAMED} LIMIT 1", _named(key)))

    def members(self, owner: str) -> list[Named]:
        """Members of an object or form, in the order of its file."""
        return self._of("member", "t.owner = :name", owner)

    def methods(self, owner: str) -> list[Named]:
        """Methods of a module, or of all modules of an object, in the order of their files."""
        return self._of("method", "(t.module = :name OR t.owner = :name)", owner)

    def relations(
        self, kind: RelationKind, *, source: str = "", target: str = "", inside: bool = False
    ) -> list[Relation]:
        """Relations of a kind by the key of one end or of both.

        Args:
            kind: of relation.
            source: key of the one end; empty: any.
            target: key of the other end; empty: any.
            inside: take what lies inside ``source``, too: the items of a form, the forms of an object.
        """
        conditions = ["r.kind = :kind", _VISIBLE]
        if source:
            within = " OR (r.source_key > :source || '.' AND r.source_key < :source || '/')" if inside else ""
            conditions.append(f"(r.source_key = :source{within})")
        if target:
            conditions.append("r.target_key = :target")
        rows = self._rows(
            "SELECT r.kind, r.source, r.target, r.detail, f.space_id, f.path, r.line_start, r.line_end "  # noqa: S608
            f"FROM relations r JOIN files f ON f.id = r.file WHERE {' AND '.join(conditions)} "
            "ORDER BY r.source_key != :source, f.path, r.line_start, r.rowid",
            {"kind": kind, "source": source, "target": target},
        )
        return [Relation(row[0], row[1], row[2], Origin(*row[4:]), row[3]) for row in rows]

    def close(self) -> None:
        """Let go of the file. May be called twice."""
        self._connection.close()

    def _of(self, sort: str, condition: str, name: str) -> list[Named]:
        statement = f"{_FACTS} FROM facts t JOIN files f ON f.id = t.file"
        return self._facts(
            f"{statement} WHERE t.sort = :sort AND {condition} AND {_VISIBLE} {_ORDER}", {"sort": sort, "name": name}
        )

    def _facts(self, statement: str, values: Mapping[str, Any]) -> list[Named]:
        return [fact_of(row[0], row[1], Origin(*row[2:])) for row in self._rows(statement, values)]

    def _rows(self, statement: str, values: Mapping[str, Any]) -> list[tuple[Any, ...]]:
        with self._reading, translated("The facts cannot be used"):
            return self._connection.execute(statement, {"revision": self._revision, **values}).fetchall()


def _opened(file: Path, *, writes: bool) -> sqlite3.Connection:
    return opened(file, writes=writes, what=f"The facts in {file} cannot be used")


def _named(key: str) -> dict[str, str]:
    return {"name": key.rpartition(".")[2], "key": key, "ending": f".{key}"}


def _relation_row(relation: Relation) -> tuple[str | int, ...]:
    return (
        relation.kind,
        name_key(relation.source),
        name_key(relation.target),
        relation.source,
        relation.target,
        relation.detail,
        relation.origin.line_start,
        relation.origin.line_end,
    )
