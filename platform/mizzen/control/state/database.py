"""Opening the state: SQLite beside the project, or what `profile.state` names.

Every verb of `mizzen.control` starts here. Two processes at once are normal: transactions are
short, writers take SQLite's write lock at their start and wait for it, readers never block.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from urllib.parse import unquote

from mizzen.control.state.session import Session, Store
from mizzen.control.state.sqlite import SqliteStore
from mizzen.core.place import Place
from mizzen.errors import IntegrityError

HEAD = "0001"  # the newest migration; a test compares it with the migrations' folder
_FILE = "sqlite:///"


class Database:
    """An opened, migrated state."""

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


def open_state(place: Place) -> Database:
    """The state of a place; made, or brought to this version's tables, on first use.

    Raises:
        UserError: `profile.state` is no address that can be opened.
        IntegrityError: a newer Mizzen wrote it.
    """
    if place.profile.state is not None:
        return open_address(place.profile.state)
    place.home.mkdir(parents=True, exist_ok=True)
    return Database(_migrated(SqliteStore(str(place.home / "state.db"))))


def open_address(address: str) -> Database:
    """The state at an SQLAlchemy URL; see `open_state`."""
    return Database(_migrated(_store(address)))


def _store(address: str) -> Store:
    file = address.removeprefix(_FILE)
    # what SQLite reads as more than a file's name is left to SQLAlchemy
    if file != address and file and not file.startswith((":", "file:")) and "?" not in file:
        return SqliteStore(unquote(file))
    from mizzen.control.state.server import ServerStore

    return ServerStore(address)


def _migrated(store: Store) -> Store:
    at = store.stamp()
    if at is not None and at > HEAD:
        raise IntegrityError(
            "the state was written by a newer Mizzen",
            given=f"tables {at}",
            allowed=f"up to {HEAD}",
            next_step="upgrade: pip install --upgrade mizzen",
        )
    if at != HEAD:
        store.migrate(HEAD)
    return store
