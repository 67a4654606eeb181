"""The state in an SQLite file, on the standard library alone.

Names of tables and fields are the code's own, never a caller's text; values are always bound.
Connections are kept until the process ends: closing the last one folds the log into the file,
which costs more than a transaction.
"""

from __future__ import annotations

import json
import os
import sqlite3
import threading
import weakref
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from mizzen.errors import Conflict, TemporaryError
from mizzen.state.session import BUSY_SECONDS, After, OneOf, Prefix, Row, SchemaVersion, Session

_Identity = tuple[int, int, int] | None
_making = threading.Lock()
# A column's name tells its type in every table; a test compares them with `tables`.
INSTANTS = frozenset(
    {"created_at", "ended_at", "at", "start", "end", "not_before", "since", "expires_at"}
)
DOCUMENTS = frozenset(
    {"arguments", "error", "figures", "artifacts", "result", "overrides", "evaluation"}
)
FLAGS = frozenset({"blessed", "forced", "alarm", "go"})


class SqliteStore:
    """One file."""

    shared = False

    def __init__(self, file: str) -> None:
        self._file = file
        self._idle: list[tuple[_Identity, sqlite3.Connection]] = []
        weakref.finalize(self, _close, self._idle)

    @contextmanager
    def transaction(self, *, write: bool, durable: bool) -> Iterator[Session]:
        """See `Store`."""
        with _told():
            identity, connection = self._take()
        try:
            with _told():
                _begin(connection, write, durable)
                yield SqliteSession(connection)
                connection.execute("COMMIT")
        except BaseException:
            connection.close()  # rolls back
            raise
        self._idle.append((identity, connection))

    def stamp(self) -> SchemaVersion:
        """See `Store`."""
        with self.transaction(write=False, durable=False) as session:
            at = _only(session, "alembic_version", "version_num")
            return SchemaVersion(at, _only(session, "compatibility", "works_from"))

    def migrate(self, head: str) -> None:
        """See `Store`."""
        from mizzen.state.sqlalchemy_store import file_store  # imports SQLAlchemy

        file_store(self._file).migrate(head)

    def _take(self) -> tuple[_Identity, sqlite3.Connection]:
        identity = self._identity()
        while self._idle:
            known, connection = self._idle.pop()
            if known == identity:
                return known, connection
        _make(self._file)
        connection = sqlite3.connect(
            self._file, BUSY_SECONDS, isolation_level=None, check_same_thread=False
        )
        connection.row_factory = sqlite3.Row
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA foreign_keys = ON")
        return self._identity(), connection

    def _identity(self) -> _Identity:
        # a connection survives neither a fork nor another file in the place of its own
        with suppress(FileNotFoundError):
            status = Path(self._file).stat()
            return os.getpid(), status.st_dev, status.st_ino
        return None


def _make(file: str) -> None:
    """A new file for this person alone; its log and index follow its mode.

    Never opens a file that is there: closing any descriptor of it would drop the locks that every
    connection of this process holds, and another process that ends would then take the log away
    from under them.
    """
    with _making:
        try:
            os.close(os.open(file, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
        except FileExistsError:
            return
        except OSError as error:
            raise sqlite3.OperationalError(str(error)) from error


def _only(session: Session, table: str, field: str) -> str | None:
    """The field of a table's only row; None without the table."""
    tables = session.find("sqlite_master", ["name"], {"name": table})
    found = session.find(table, [field], {}) if tables else []
    return str(found[0][field]) if found else None


def _close(idle: list[tuple[_Identity, sqlite3.Connection]]) -> None:
    for _, connection in idle:
        connection.close()


def _begin(connection: sqlite3.Connection, write: bool, durable: bool) -> None:
    connection.execute(f"PRAGMA synchronous = {'FULL' if durable else 'NORMAL'}")
    # a deferred transaction that turns into a writer later fails instead of waiting
    connection.execute("BEGIN IMMEDIATE" if write else "BEGIN")


@contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except sqlite3.IntegrityError as error:
        raise Conflict(
            "constraint violation in the state database",
            given=error,
            next_step="see that what it names exists",
        ) from error
    except sqlite3.OperationalError as error:
        raise TemporaryError(
            "the state cannot be reached",
            given=str(error),
            next_step="see that its disk has room and that it may be written, then try again",
        ) from error


class SqliteSession:
    """One transaction on a connection."""

    def __init__(self, connection: sqlite3.Connection) -> None:
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
        """See `Session`; a writer holds the whole file."""
        conditions, values = _where(where)
        down = " DESC" if descending else ""
        ordered = ", ".join(f"{_name(field)}{down}" for field in order)
        statement = f"SELECT {_names(fields)} FROM {_name(table)}{conditions}"  # noqa: S608
        statement += f" ORDER BY {ordered}" if order else ""
        statement += "" if limit is None else f" LIMIT {limit:d}"
        rows = self._connection.execute(statement, values)
        return [{field: _decoded(field, row[field]) for field in fields} for row in rows]

    def insert(
        self, table: str, values: Mapping[str, Any], *, if_not_exists: bool = False
    ) -> int | None:
        """See `Session`."""
        marks = ", ".join("?" * len(values))
        statement = f"INSERT INTO {_name(table)} ({_names(values)}) VALUES ({marks})"  # noqa: S608
        statement += " ON CONFLICT DO NOTHING" if if_not_exists else ""
        done = self._connection.execute(statement, [_encoded(*item) for item in values.items()])
        return (done.lastrowid or 0) if done.rowcount else None

    def change(self, table: str, where: Mapping[str, Any], values: Mapping[str, Any]) -> None:
        """See `Session`."""
        conditions, known = _where(where)
        settings = ", ".join(f"{_name(field)} = ?" for field in values)
        new = [_encoded(*item) for item in values.items()]
        statement = f"UPDATE {_name(table)} SET {settings}{conditions}"  # noqa: S608
        self._connection.execute(statement, new + known)

    def remove(self, table: str, where: Mapping[str, Any]) -> None:
        """See `Session`."""
        conditions, values = _where(where)
        statement = f"DELETE FROM {_name(table)}{conditions}"  # noqa: S608
        self._connection.execute(statement, values)

    def clock(self) -> datetime:
        """See `Session`; the file's users are on one machine."""
        return datetime.now(UTC)


def _where(conditions: Mapping[str, Any]) -> tuple[str, list[Any]]:
    texts, values = [], []
    for field, value in conditions.items():
        if isinstance(value, Prefix):
            texts.append(f"substr({_name(field)}, 1, {len(value.text)}) = ?")
            values.append(value.text)
        elif isinstance(value, OneOf):
            texts.append(f"{_name(field)} IN ({', '.join('?' * len(value.values))})")
            values += [_encoded(field, each) for each in value.values]
        elif isinstance(value, After):
            texts.append(f"{_name(field)} > ?")
            values.append(_encoded(field, value.value))
        elif value is None:
            texts.append(f"{_name(field)} IS NULL")
        else:
            texts.append(f"{_name(field)} = ?")
            values.append(_encoded(field, value))
    return (f" WHERE {' AND '.join(texts)}" if texts else ""), values


def _names(names: Iterable[str]) -> str:
    return ", ".join(map(_name, names))


def _name(name: str) -> str:
    return f'"{name}"'


def _encoded(field: str, value: Any) -> Any:
    if value is None:
        return None
    if field in DOCUMENTS:
        return json.dumps(value)
    if isinstance(value, datetime):  # SQLite keeps no zone: UTC
        utc = value.astimezone(UTC).replace(tzinfo=None)
        return utc.isoformat(sep=" ", timespec="microseconds")
    return value


def _decoded(field: str, value: Any) -> Any:
    if value is None:
        return None
    if field in DOCUMENTS:
        return json.loads(value)
    if field in INSTANTS:
        return datetime.fromisoformat(value).replace(tzinfo=UTC)
    return bool(value) if field in FLAGS else value
