"""Opening the database of a state: SQLite beside the project, or what `profile.state` names.

Two processes at once are normal: transactions are short, writers wait for one another, readers
never block.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from urllib.parse import unquote

from mizzen.errors import IntegrityError
from mizzen.state.session import SchemaVersion, Session, Store
from mizzen.state.sqlite_store import SqliteStore

HEAD = "0006"  # the newest migration; a test compares it with the migrations' folder
_FILE = "sqlite:///"


class Database:
    """An opened database with the tables of a state."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def write(self, *, durable: bool = False) -> AbstractContextManager[Session]:
        """One short transaction: all of it or nothing.

        Args:
            durable: the commit survives a power failure (promotions, which others follow);
                else it survives the death of any process.

        Raises:
            TemporaryError: another writer held the state for too long.
        """
        return self._store.transaction(write=True, durable=durable)

    def read(self) -> AbstractContextManager[Session]:
        """A consistent look that waits for no writer."""
        return self._store.transaction(write=False, durable=False)

    def check(self) -> str:
        """The newest migration of its tables.

        Raises:
            IntegrityError: this Mizzen cannot work with them.
            TemporaryError: the database is away.
        """
        stamp = self._store.stamp()
        _refuse(stamp)
        return str(stamp.at)


def open_file(file: str) -> Database:
    """The SQLite file of a project's home, brought to this version's tables."""
    return _opened(SqliteStore(file))


def open_address(address: str) -> Database:
    """The database at an SQLAlchemy URL. A file is made, or brought to this version's tables; a
    server is migrated by the command alone, since others use it.

    Raises:
        UserError: no address that can be opened.
        IntegrityError: its tables are of another Mizzen.
    """
    return _opened(store_of(address))


def store_of(address: str) -> Store:
    """The store at an SQLAlchemy URL, as it is."""
    file = address.removeprefix(_FILE)
    # what SQLite reads as more than a file's name is left to SQLAlchemy
    if file != address and file and not file.startswith((":", "file:")) and "?" not in file:
        return SqliteStore(unquote(file))
    from mizzen.state.sqlalchemy_store import ServerStore

    return ServerStore(address)


def _opened(store: Store) -> Database:
    stamp = store.stamp()
    if stamp.at != HEAD:
        if stamp.is_older(HEAD) and not store.shared:
            store.migrate(HEAD)
        else:
            _refuse(stamp)
    return Database(store)


def _refuse(stamp: SchemaVersion) -> None:
    if stamp.is_newer(HEAD):
        raise IntegrityError(
            "the state was written by a newer Mizzen",
            given=f"tables {stamp.at}, which work from {stamp.works_from or stamp.at}",
            allowed=f"tables that work from {HEAD} or before",
            next_step="upgrade: pip install --upgrade mizzen",
        )
    if stamp.is_older(HEAD):
        raise IntegrityError(
            "the state's tables are behind this Mizzen",
            given=f"tables {stamp.at or 'none'}",
            allowed=f"tables {HEAD}",
            next_step="python -m mizzen.state.migrations upgrade --address ADDRESS",
        )
