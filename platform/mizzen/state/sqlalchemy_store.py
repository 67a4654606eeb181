"""The state in a database that SQLAlchemy reaches; also how any state is migrated.

SQLite lets one writer in. A server lets in all of them: who decides something from what it read
holds the row that it decides about (`find(..., lock=True)`), reads after that, and so sees what
whoever held it before has written.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    URL,
    Connection,
    Engine,
    create_engine,
    delete,
    event,
    func,
    make_url,
    select,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import NullPool

from mizzen.errors import MissingDependencyError, UserError
from mizzen.state.session import BUSY_SECONDS, After, OneOf, Prefix, Row, SchemaVersion, Session
from mizzen.state.sqlalchemy_errors import told
from mizzen.state.tables import metadata

_INSERT: dict[str, Any] = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}
_MIGRATIONS = 0x6D697A7A  # names the lock that two migrations want
# Nothing of ours takes seconds; what does is stuck, and somebody waits for it.
_LIMITS = {
    "statement_timeout": 30_000,
    "lock_timeout": 10_000,
    "idle_in_transaction_session_timeout": 60_000,
}


@dataclass(frozen=True, slots=True)
class Pool:
    """Connections that a server process keeps: `kept` of them, and up to `more` while busy."""

    kept: int = 5
    more: int = 15


class ServerStore:
    """One database.

    Args:
        pool: for a process that lives; a command opens a connection for each transaction.
    """

    def __init__(self, address: str | URL, pool: Pool | None = None) -> None:
        self._engine = _engine(address, pool)
        self.shared = self._engine.dialect.name != "sqlite"

    @contextmanager
    def transaction(self, *, write: bool, durable: bool) -> Iterator[Session]:
        """See `Store`; a server's commits are durable."""
        with told(), self._engine.connect() as connection:
            if self.shared and not write:
                connection.execution_options(
                    isolation_level="REPEATABLE READ", postgresql_readonly=True
                )
            with connection.begin():
                yield ServerSession(connection)

    def stamp(self) -> SchemaVersion:
        """See `Store`."""
        with told(), self._engine.connect() as connection:
            return _stamp(connection)

    def migrate(self, head: str) -> None:
        """See `Store`."""
        from mizzen.state.migrations.apply import upgrade  # imports alembic

        with told(), self._engine.connect() as connection, connection.begin():
            if self.shared:
                # the one who waits here waits for a whole migration
                connection.exec_driver_sql("SET LOCAL lock_timeout = 0")
                connection.exec_driver_sql("SET LOCAL statement_timeout = 0")
                connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_MIGRATIONS})")
                # the tables' own locks: rather fail, and be tried again, than hold everybody up
                connection.exec_driver_sql("SET LOCAL lock_timeout = '10s'")
            if _stamp(connection).is_older(head):
                upgrade(connection)


def file_store(file: str) -> ServerStore:
    """An SQLite file by way of SQLAlchemy."""
    return ServerStore(URL.create("sqlite", database=file))


class ServerSession:
    """One transaction on a connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def find(
        self,
        table: str,
        fields: Sequence[str],
        where: Mapping[str, Any],
        *,
        order: Sequence[str] = (),
        descending: bool = False,
        limit: int | None = None,
        lock: bool = False,
    ) -> list[Row]:
        """See `Session`."""
        columns = metadata.tables[table].c
        query = select(*(columns[field] for field in fields)).where(*_where(table, where))
        by = (columns[field].desc() if descending else columns[field] for field in order)
        query = query.order_by(*by).limit(limit)
        if lock:  # others may still refer to the row
            query = query.with_for_update(key_share=True)
        return [dict(row) for row in self._connection.execute(query).mappings()]

    def insert(
        self, table: str, values: Mapping[str, Any], *, if_not_exists: bool = False
    ) -> int | None:
        """See `Session`."""
        known = metadata.tables[table]
        wanted = _INSERT[self._connection.dialect.name](known).values(dict(values))
        wanted = wanted.on_conflict_do_nothing() if if_not_exists else wanted
        key = self._connection.execute(wanted.returning(*known.primary_key)).first()
        if key is None:
            return None
        return key[0] if isinstance(key[0], int) else 0

    def change(self, table: str, where: Mapping[str, Any], values: Mapping[str, Any]) -> None:
        """See `Session`."""
        wanted = update(metadata.tables[table]).where(*_where(table, where))
        self._connection.execute(wanted.values(dict(values)))

    def remove(self, table: str, where: Mapping[str, Any]) -> None:
        """See `Session`."""
        self._connection.execute(delete(metadata.tables[table]).where(*_where(table, where)))

    def clock(self) -> datetime:
        """See `Session`."""
        if self._connection.dialect.name == "sqlite":  # its users are on one machine
            return datetime.now(UTC)
        found: datetime = self._connection.execute(select(func.clock_timestamp())).scalar_one()
        return found


def _where(table: str, conditions: Mapping[str, Any]) -> list[Any]:
    columns = metadata.tables[table].c
    return [_condition(columns[field], value) for field, value in conditions.items()]


def _condition(column: Any, value: Any) -> Any:
    if isinstance(value, Prefix):
        return column.startswith(value.text, autoescape=True)
    if isinstance(value, OneOf):
        return column.in_(value.values)
    if isinstance(value, After):
        return column > value.value
    return column == value


def _engine(address: str | URL, pool: Pool | None) -> Engine:
    try:
        engine = create_engine(_url(address), **_options(address, pool))
    except ImportError as error:
        raise MissingDependencyError(
            "the state's database driver is not installed",
            given=error,
            next_step="pip install 'mizzen[postgres]'",
        ) from None
    except SQLAlchemyError as error:
        raise _no_address(type(error).__name__) from None
    if engine.dialect.name not in _INSERT:
        raise _no_address(engine.dialect.name)
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
    return engine


def _url(address: str | URL) -> URL:
    url = make_url(address)
    return url.set(drivername="postgresql+psycopg") if url.drivername == "postgresql" else url


def _options(address: str | URL, pool: Pool | None) -> dict[str, Any]:
    if _url(address).get_backend_name() != "postgresql":
        return {"poolclass": NullPool}
    # libpq's own environment says what the address leaves out: options too, which ours would hide
    limits = [f"-c {name}={value}" for name, value in _LIMITS.items()]
    options: dict[str, Any] = {
        "connect_args": {
            "options": " ".join([*limits, os.environ.get("PGOPTIONS", "")]),
            "connect_timeout": 5,
            "application_name": "mizzen",
            "keepalives_idle": 30,
        }
    }
    if pool is None:
        return options | {"poolclass": NullPool}
    # a connection that a restarted database left behind is noticed before it is used
    kept = {"pool_size": pool.kept, "max_overflow": pool.more, "pool_timeout": 10}
    return options | kept | {"pool_pre_ping": True, "pool_recycle": 1800}


def _no_address(given: str) -> UserError:
    return UserError(
        "`state` of the profile is no database address",
        given=given,
        allowed="an SQLAlchemy URL: sqlite:////data/state.db, or postgresql+psycopg://HOST/NAME",
    )


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    # SQLAlchemy's transactions are begun by _begin_sqlite, not by the driver's guess
    connection.isolation_level = None
    connection.execute(f"PRAGMA busy_timeout = {BUSY_SECONDS * 1000}")
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA foreign_keys = ON")


def _begin_sqlite(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")


def _stamp(connection: Connection) -> SchemaVersion:
    at = _only(connection, "alembic_version", "version_num")
    return SchemaVersion(at, _only(connection, "compatibility", "works_from"))


def _only(connection: Connection, table: str, field: str) -> str | None:
    if not connection.dialect.has_table(connection, table):
        return None
    found = connection.exec_driver_sql(f"SELECT {field} FROM {table}").scalar()  # noqa: S608
    return None if found is None else str(found)
