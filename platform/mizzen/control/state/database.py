"""Opening the state: SQLite beside the project, or what `profile.state` names.

Every verb of `mizzen.control` starts here. Two processes at once are normal: transactions are
short, writers take SQLite's write lock at their start and wait for it, readers never block.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from sqlalchemy import URL, create_engine, event
from sqlalchemy.exc import OperationalError, SQLAlchemyError
from sqlalchemy.pool import NullPool

from mizzen.core.place import Place
from mizzen.errors import IntegrityError, MissingDependencyError, TemporaryError, UserError

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

HEAD = "0001"  # the newest migration; a test compares it with the migrations' folder
BUSY_SECONDS = 60
_READ, _DURABLE = "mizzen_read", "mizzen_durable"


class Database:
    """An opened, migrated state."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    @contextmanager
    def write(self, *, durable: bool = False) -> Iterator[Connection]:
        """One short transaction: all of it or nothing.

        Args:
            durable: the commit survives a power failure (promotions, which others follow);
                else it survives the death of any process.

        Raises:
            TemporaryError: another writer held the state for too long.
        """
        with _told(), self._engine.connect() as connection:
            connection.execution_options(**{_DURABLE: durable})
            with connection.begin():
                yield connection

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A consistent look that waits for no writer."""
        with _told(), self._engine.connect() as connection:
            yield connection.execution_options(**{_READ: True})


def open_state(place: Place) -> Database:
    """The state of a place; made, or brought to this version's tables, on first use.

    Raises:
        UserError: `profile.state` is no address that can be opened.
        IntegrityError: a newer Mizzen wrote it.
    """
    return open_address(place.profile.state or _beside(place))


def open_address(address: str | URL) -> Database:
    """The state at an SQLAlchemy URL; see `open_state`."""
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
    database = Database(engine)
    _migrate(database)
    return database


def _beside(place: Place) -> URL:
    place.home.mkdir(parents=True, exist_ok=True)
    return URL.create("sqlite", database=str(place.home / "state.db"))


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    # SQLAlchemy's transactions are begun by _begin_sqlite, not by the driver's guess
    connection.isolation_level = None
    connection.execute(f"PRAGMA busy_timeout = {BUSY_SECONDS * 1000}")
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = NORMAL")
    connection.execute("PRAGMA foreign_keys = ON")


def _begin_sqlite(connection: Connection) -> None:
    options = connection.get_execution_options()
    if options.get(_DURABLE):
        connection.exec_driver_sql("PRAGMA synchronous = FULL")
    # a deferred transaction that turns into a writer later fails instead of waiting
    connection.exec_driver_sql("BEGIN" if options.get(_READ) else "BEGIN IMMEDIATE")


def _migrate(database: Database) -> None:
    with database.read() as connection:
        at = _at(connection)
    if at == HEAD:
        return
    if at is not None and at > HEAD:
        raise IntegrityError(
            "the state was written by a newer Mizzen",
            given=f"tables {at}",
            allowed=f"up to {HEAD}",
            next_step="upgrade: pip install --upgrade mizzen",
        )
    from mizzen.control.state.migrations.apply import upgrade  # imports alembic

    with database.write() as connection:
        if _at(connection) != HEAD:  # somebody else may have been first
            upgrade(connection)


def _at(connection: Connection) -> str | None:
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
