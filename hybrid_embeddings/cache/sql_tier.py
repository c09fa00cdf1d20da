"""Records in a database: SQLite, PostgreSQL, MySQL or MariaDB, through SQLAlchemy."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hybrid_embeddings.cache.addresses import masked
from hybrid_embeddings.cache.sql_database import open_database, tables, upsert
from hybrid_embeddings.errors import CacheTierError

if TYPE_CHECKING:
    from sqlalchemy import Connection

# Below the limits on parameters of all databases (SQLite 32,766, PostgreSQL 65,535).
_MOST_KEYS = 10_000
_PAGE = 1000


class SqlTier:
    """See :class:`hybrid_embeddings.ports.RecordTier`. The oldest records make room for new ones."""

    name = "sql"

    def __init__(
        self,
        url: str,
        *,
        ttl_s: float,
        timeout_s: float,
        max_entries: int,
        wall_clock: Callable[[], float] = time.time,
    ) -> None:
        """Note the address; the database is opened, and its tables made, when it is needed.

        Args:
            url: of SQLAlchemy, such as ``sqlite:///cache.sqlite`` or ``postgresql://user@host/database``.
            ttl_s: seconds until a record is forgotten.
            timeout_s: seconds to wait for a connection, a lock or an answer.
            max_entries: about how many records are kept; checked after every hundredth part of it is written.
            wall_clock: seconds since 1970; processes that share a store share their time.

        Raises:
            SettingsError: the URL cannot be used.
            MissingDependencyError: SQLAlchemy or the driver of the database is not installed.
        """
        self._ttl_ms = max(1, int(ttl_s * 1000))
        self._timeout_s = timeout_s
        self._max_entries = max_entries
        self._wall_clock = wall_clock
        self._engine = open_database(url, timeout_s)
        self.address = self._engine.url.render_as_string(hide_password=True)
        self._records, self._spaces = tables()
        self._lock = threading.Lock()
        self._is_ready = False
        self._n_unchecked = 0

    def get_many(self, space: bytes, keys: Sequence[bytes]) -> list[bytes | None]:
        """See :class:`hybrid_embeddings.ports.RecordTier`."""
        del space  # part of the key
        return self._run(lambda connection: self._get(connection, keys)) if keys else []

    def put_many(self, space: bytes, records: Mapping[bytes, bytes]) -> None:
        """See :class:`hybrid_embeddings.ports.RecordTier`."""
        if not records:
            return
        # Distinct times, so that making room never removes more than it should.
        now_us = int(self._wall_clock() * 1_000_000)
        rows = [
            {"key": key, "space": space, "record": record, "stored_us": now_us + position}
            for position, (key, record) in enumerate(records.items())
        ]
        statement = upsert(self._engine.dialect.name, self._records)

        def put(connection: Connection) -> None:
            connection.execute(statement, rows)
            self._make_room(connection, len(rows))

        self._run(put)

    def delete_many(self, space: bytes, keys: Sequence[bytes]) -> None:
        """See :class:`hybrid_embeddings.ports.RecordTier`."""
        del space  # part of the key
        table = self._records
        for start in range(0, len(keys), _MOST_KEYS):
            statement = table.delete().where(table.c.key.in_(list(keys[start : start + _MOST_KEYS])))
            self._run(_executed(statement))

    def register(self, space: bytes, description: Mapping[str, str]) -> None:
        """See :class:`hybrid_embeddings.ports.RecordTier`."""
        row = {"space": space, "description": json.dumps(dict(description))}
        statement = upsert(self._engine.dialect.name, self._spaces)
        self._run(lambda connection: connection.execute(statement, [row]))

    def spaces(self) -> dict[bytes, dict[str, str]]:
        """See :class:`hybrid_embeddings.ports.RecordTier`."""
        rows = self._run(_rows(self._spaces.select()))
        return {bytes(row.space): json.loads(row.description) for row in rows}

    def scan(self, space: bytes | None = None) -> Iterator[tuple[bytes, bytes, bytes]]:
        """See :class:`hybrid_embeddings.ports.RecordTier`."""
        table, last = self._records, b""
        oldest, newest = self._valid()
        while True:
            statement = table.select().where(table.c.key > last, table.c.stored_us.between(oldest, newest))
            if space is not None:
                statement = statement.where(table.c.space == space)
            statement = statement.order_by(table.c.key).limit(_PAGE)
            page = self._run(_rows(statement))
            for row in page:
                yield bytes(row.space), bytes(row.key), bytes(row.record)
            if len(page) < _PAGE:
                return
            last = bytes(page[-1].key)

    def purge(self, space: bytes | None = None) -> int:
        """See :class:`hybrid_embeddings.ports.RecordTier`."""
        statement = self._records.delete()
        if space is not None:
            statement = statement.where(self._records.c.space == space)
        n_removed: int = self._run(lambda connection: connection.execute(statement).rowcount)
        return n_removed

    def close(self) -> None:
        """See :class:`hybrid_embeddings.ports.RecordTier`."""
        self._engine.dispose()

    def __repr__(self) -> str:
        return f"SqlTier({self.address!r})"

    def _get(self, connection: Connection, keys: Sequence[bytes]) -> list[bytes | None]:
        from sqlalchemy import select

        table, found = self._records, {}
        oldest, newest = self._valid()
        for start in range(0, len(keys), _MOST_KEYS):
            wanted = table.c.key.in_(list(keys[start : start + _MOST_KEYS]))
            for key, record, stored_us in connection.execute(
                select(table.c.key, table.c.record, table.c.stored_us).where(wanted)
            ):
                if oldest <= stored_us <= newest:
                    found[bytes(key)] = bytes(record)
        return [found.get(key) for key in keys]

    def _valid(self) -> tuple[int, int]:
        """Return between which times a record must have been stored.

        One from the future was stored before a clock was set back: it would otherwise outlive its time.
        """
        now_us = int(self._wall_clock() * 1_000_000)
        return now_us - self._ttl_ms * 1000, now_us + max(self._ttl_ms * 100, 60_000_000)

    def _make_room(self, connection: Connection, n_new: int) -> None:
        from sqlalchemy import func, or_, select

        self._n_unchecked += n_new
        if self._n_unchecked < self._max_entries // 100:
            return
        self._n_unchecked = 0
        table = self._records
        oldest, newest = self._valid()
        connection.execute(table.delete().where(or_(table.c.stored_us < oldest, table.c.stored_us > newest)))
        surplus = (connection.execute(select(func.count()).select_from(table)).scalar() or 0) - self._max_entries
        if surplus > 0:
            last = select(table.c.stored_us).order_by(table.c.stored_us).offset(surplus - 1).limit(1)
            connection.execute(table.delete().where(table.c.stored_us <= connection.execute(last).scalar_one()))

    def _run(self, work: Callable[[Connection], Any]) -> Any:
        """Run one transaction; once more if the connection turned out to be dead, as after a restart."""
        from sqlalchemy.exc import DBAPIError, SQLAlchemyError

        try:
            return self._once(work)
        except DBAPIError as error:
            # Without a statement it was no connection of the pool that failed, but the making of a new one.
            was_dead = error.connection_invalidated and error.statement is not None
            if not was_dead and not self._put_damaged_file_aside(error):
                raise self._translated(error) from error
        except (SQLAlchemyError, OSError) as error:
            raise self._translated(error) from error
        try:
            return self._once(work)
        except (SQLAlchemyError, OSError) as error:
            raise self._translated(error) from error

    def _once(self, work: Callable[[Connection], Any]) -> Any:
        if not self._is_ready:
            self._make_tables()
        with self._engine.begin() as connection:
            return work(connection)

    def _make_tables(self) -> None:
        from sqlalchemy.exc import DBAPIError

        # With a limit: many calls at once would else wait one after the other for a database that is away.
        if not self._lock.acquire(timeout=self._timeout_s):
            raise CacheTierError(f"database {self.address}: another call waits for it, too")
        try:
            self._records.metadata.create_all(self._engine)
        except DBAPIError as error:
            if error.statement is None:  # there is no connection
                raise
            # Another process may have made them between the look and the making.
            self._records.metadata.create_all(self._engine)
        finally:
            self._lock.release()
        self._is_ready = True

    def _put_damaged_file_aside(self, error: Exception) -> bool:
        """Rename an SQLite file that is no database any more, so that a new one is started. True if it was done."""
        damaged = any(word in str(error) for word in ("malformed", "not a database"))
        if self._engine.dialect.name != "sqlite" or not damaged or not self._engine.url.database:
            return False
        with self._lock:
            self._engine.dispose()
            self._is_ready = False
            file = Path(self._engine.url.database)
            try:
                for suffix in ("-wal", "-shm"):
                    file.with_name(file.name + suffix).unlink(missing_ok=True)
                if file.exists():
                    file.replace(file.with_name(f"{file.name}.damaged"))
            except OSError:  # it cannot be moved: the tier stays as it is, out of service
                return False
        return True

    def _translated(self, error: Exception) -> CacheTierError:
        # SQLAlchemy's message goes on with the statement, which nobody needs.
        first_line = masked(str(error)).splitlines()[0] if str(error) else ""
        return CacheTierError(f"database {self.address}: {type(error).__name__}: {first_line}")


def _executed(statement: Any) -> Callable[[Connection], object]:
    return lambda connection: connection.execute(statement)


def _rows(statement: Any) -> Callable[[Connection], Sequence[Any]]:
    return lambda connection: connection.execute(statement).all()
