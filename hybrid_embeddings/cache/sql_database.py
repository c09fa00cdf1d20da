"""The database of the SQL tier: how it is opened, its tables, and writing that replaces. For SQLAlchemy only."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from hybrid_embeddings.cache.addresses import masked
from hybrid_embeddings.errors import MissingDependencyError, SettingsError
from hybrid_embeddings.keys import KEY_BYTES, SPACE_BYTES

if TYPE_CHECKING:
    from sqlalchemy import Engine, Table

# Drivers that the extra installs, where the URL names none.
_DRIVERS = {"postgresql": "postgresql+psycopg", "mysql": "mysql+pymysql", "mariadb": "mariadb+pymysql"}


def open_database(url: str, timeout_s: float) -> Engine:
    """Return an engine; connections are made when they are needed.

    Raises:
        SettingsError: the URL cannot be used.
        MissingDependencyError: SQLAlchemy or the driver of the database is not installed.
    """
    try:
        from sqlalchemy import create_engine, event, make_url
        from sqlalchemy.exc import ArgumentError, NoSuchModuleError
    except ImportError as error:
        raise MissingDependencyError('the SQL cache needs SQLAlchemy: pip install "hybrid-embeddings[sql]"') from error
    try:
        parsed = make_url(url)
        parsed = parsed.set(drivername=_DRIVERS.get(parsed.drivername, parsed.drivername))
        dialect = parsed.get_backend_name()
        if dialect == "sqlite" and parsed.database:
            Path(parsed.database).parent.mkdir(parents=True, exist_ok=True)
        # Parameters are hidden: errors must show neither keys nor records.
        options: dict[str, Any] = {"hide_parameters": True, "connect_args": _connect_args(dialect, timeout_s)}
        if dialect != "sqlite":
            # Every statement commits by itself: a look-up is one round trip, not three.
            options["isolation_level"] = "AUTOCOMMIT"
        if dialect != "sqlite" or parsed.database not in {None, "", ":memory:"}:
            options |= {"pool_size": 8, "max_overflow": 24, "pool_timeout": timeout_s}
        engine = create_engine(parsed, **options)
    except (ArgumentError, NoSuchModuleError, TypeError, ValueError) as error:  # a port that is no number, say
        raise SettingsError(f"{masked(url)} is no URL of SQLAlchemy: {masked(str(error))}") from error
    except ImportError as error:
        raise MissingDependencyError(
            f'the driver of {masked(url)} is not installed ({error.name}): pip install "hybrid-embeddings[sql]"'
        ) from error
    except OSError as error:
        raise SettingsError(f"{masked(url)}: {error}; give a path that can be written") from error
    if dialect == "sqlite":
        event.listen(engine, "connect", _prepare_sqlite)
    return engine


def _connect_args(dialect: str, timeout_s: float) -> dict[str, Any]:
    whole_s = max(1, round(timeout_s))
    if dialect == "sqlite":
        return {"timeout": timeout_s}
    if dialect == "postgresql":
        return {"connect_timeout": whole_s, "options": f"-c statement_timeout={int(timeout_s * 1000)}"}
    return {"connect_timeout": whole_s, "read_timeout": whole_s, "write_timeout": whole_s}


def _prepare_sqlite(connection: Any, record: object) -> None:
    """Let readers work beside a writer, and wait for the disk at check-points only: a cache may lose its last rows."""
    del record
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA synchronous=NORMAL")
    cursor.close()


def tables() -> tuple[Table, Table]:
    """Return the tables of records and of spaces."""
    from sqlalchemy import BigInteger, Column, LargeBinary, MetaData, Table, Text
    from sqlalchemy.dialects import mysql

    def fixed(size: int) -> Any:
        return LargeBinary(size).with_variant(mysql.VARBINARY(size), "mysql", "mariadb")

    metadata = MetaData()
    records = Table(
        "hybrid_embeddings_records",
        metadata,
        Column("key", fixed(KEY_BYTES), primary_key=True),
        Column("space", fixed(SPACE_BYTES), nullable=False),
        Column("record", LargeBinary().with_variant(mysql.MEDIUMBLOB(), "mysql", "mariadb"), nullable=False),
        Column("stored_us", BigInteger, nullable=False, index=True),
    )
    spaces = Table(
        "hybrid_embeddings_spaces",
        metadata,
        Column("space", fixed(SPACE_BYTES), primary_key=True),
        Column("description", Text, nullable=False),
    )
    return records, spaces


def upsert(dialect: str, table: Table) -> Any:
    """Return the statement that inserts rows, or replaces those with the same key."""
    names = [column.name for column in table.columns if not column.primary_key]
    if dialect in {"mysql", "mariadb"}:
        from sqlalchemy.dialects.mysql import insert as mysql_insert

        into_mysql = mysql_insert(table)
        return into_mysql.on_duplicate_key_update({name: into_mysql.inserted[name] for name in names})
    if dialect == "postgresql":
        from sqlalchemy.dialects.postgresql import insert
    else:
        from sqlalchemy.dialects.sqlite import insert  # type: ignore[assignment]
    into = insert(table)
    keys = [column.name for column in table.primary_key]
    return into.on_conflict_do_update(index_elements=keys, set_={name: into.excluded[name] for name in names})
