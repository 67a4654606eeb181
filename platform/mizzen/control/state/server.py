"""The state in a database that SQLAlchemy reaches; also how any state is migrated."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, delete, event, insert, select, update
from sqlalchemy.exc import OperationalError, SQLAlchemyError
from sqlalchemy.pool import NullPool

from mizzen.control.state.session import Prefix, Row, Session
from mizzen.control.state.sqlite import BUSY_SECONDS
from mizzen.control.state.tables import metadata
from mizzen.errors import MissingDependencyError, TemporaryError, UserError


class ServerStore:
    """One database."""

    def __init__(self, address: str | URL) -> None:
        self._engine = _engine(address)

    @contextmanager
    def transaction(self, *, write: bool, durable: bool) -> Iterator[Session]:
        """See `Store`; a server's commits are durable."""
        with _told(), self._engine.connect() as connection, connection.begin():
            yield ServerSession(connection)

    def stamp(self) -> str | None:
        """See `Store`."""
        with _told(), self._engine.connect() as connection:
            return _stamp(connection)

    def migrate(self, head: str) -> None:
        """See `Store`."""
        from mizzen.control.state.migrations.apply import upgrade  # imports alembic

        with _told(), self._engine.connect() as connection, connection.begin():
            if _stamp(connection) != head:
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
        newest: bool = False,
        limit: int | None = None,
    ) -> list[Row]:
        """See `Session`."""
        columns = metadata.tables[table].c
        query = select(*(columns[field] for field in fields)).where(*_where(table, where))
        by = (columns[field].desc() if newest else columns[field] for field in order)
        query = query.order_by(*by).limit(limit)
        return [dict(row) for row in self._connection.execute(query).mappings()]

    def insert(self, table: str, values: Mapping[str, Any]) -> int:
        """See `Session`."""
        done = self._connection.execute(insert(metadata.tables[table]).values(dict(values)))
        key = done.inserted_primary_key
        return key[0] if key and isinstance(key[0], int) else 0

    def change(self, table: str, where: Mapping[str, Any], values: Mapping[str, Any]) -> None:
        """See `Session`."""
        wanted = update(metadata.tables[table]).where(*_where(table, where))
        self._connection.execute(wanted.values(dict(values)))

    def remove(self, table: str, where: Mapping[str, Any]) -> None:
        """See `Session`."""
        self._connection.execute(delete(metadata.tables[table]).where(*_where(table, where)))


def _where(table: str, conditions: Mapping[str, Any]) -> list[Any]:
    columns = metadata.tables[table].c
    return [
        columns[field].startswith(value.text, autoescape=True)
        if isinstance(value, Prefix)
        else columns[field] == value
        for field, value in conditions.items()
    ]


def _engine(address: str | URL) -> Engine:
    try:
        engine = create_engine(address, poolclass=NullPool)
    except ImportError as error:
        raise MissingDependencyError(
            "the state's database driver is not installed",
            given=error,
            next_step="pip install 'mizzen[postgres]'",
        ) from None
    except SQLAlchemyError as error:
        raise UserError(
            "`state` of the profile is no database address",
            given=type(error).__name__,
            allowed="an SQLAlchemy URL, as in sqlite:////data/state.db",
        ) from None
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    # SQLAlchemy's transactions are begun by _begin_sqlite, not by the driver's guess
    connection.isolation_level = None
    connection.execute(f"PRAGMA busy_timeout = {BUSY_SECONDS * 1000}")
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA foreign_keys = ON")


def _begin_sqlite(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")


def _stamp(connection: Connection) -> str | None:
    if not connection.dialect.has_table(connection, "alembic_version"):
        return None
    found = connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar()
    return None if found is None else str(found)


@contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except OperationalError as error:
        raise TemporaryError(
            "the state cannot be reached",
            given=str(error.orig),
            next_step="see that its disk has room and its server runs, then try again",
        ) from error
