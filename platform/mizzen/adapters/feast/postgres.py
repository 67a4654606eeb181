"""PostgreSQL as the feature store of several machines: one connection, its schema, its errors.

Where it is and who asks is libpq's: PGHOST, PGPORT, PGDATABASE, PGUSER, PGPASSWORD, PGSSLMODE and
the files that they name. Nothing of it stands in a profile.
"""

from __future__ import annotations

import os
import select
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import Lock, Thread
from typing import TYPE_CHECKING, Any

from mizzen.errors import MizzenError, NotFound, TemporaryError, UserError

if TYPE_CHECKING:
    import psycopg

# of its own in the database, for Feast's registry has tables of common names
SCHEMA = "mizzen_features"
READ_SECONDS, WRITE_SECONDS = 2, 300
_PATIENCE: dict[str, Any] = {
    "connect_timeout": 5,
    # a server that vanished from the network is noticed, whatever TCP would wait
    "tcp_user_timeout": 5_000,
    "keepalives_idle": 30,
}


class Session:
    """One kept connection. Thread-safe: one question at a time, as the service asks."""

    def __init__(self, seconds: int) -> None:
        self._seconds = seconds
        self._connection: psycopg.Connection[Any] | None = None
        self._lock = Lock()
        self._watchdog = Watchdog(seconds + 1)  # after the server's own patience

    @contextmanager
    def asking(self) -> Iterator[psycopg.Connection[Any]]:
        """The connection, opened when it is not.

        Raises:
            TemporaryError: PostgreSQL does not answer, or not in time.
            NotFound: a view that was never applied here.
            UserError: it refuses the user.
        """
        with self._lock, translated():
            connection = self._open()
            try:
                with self._watchdog.over(connection.fileno()):
                    yield connection
            except BaseException:
                self._forget()  # whatever state it is in, the next question opens a new one
                raise

    def _open(self) -> psycopg.Connection[Any]:
        if self._connection is None or self._connection.closed or _dropped(self._connection):
            self._forget()
            self._connection = connect(self._seconds)
        return self._connection

    def _forget(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(Exception):
                connection.close()


class Watchdog:
    """Ends a connection whose server says nothing: psycopg waits for an answer for ever, and a
    server that hangs cannot time its statements out."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._lock = Lock()
        self._descriptor: int | None = None
        self._due = 0.0
        self._thread: Thread | None = None

    @contextmanager
    def over(self, descriptor: int) -> Iterator[None]:
        """Watch the socket while the context lasts."""
        if self._thread is None:
            self._thread = Thread(target=self._watch, daemon=True, name="features-watchdog")
            self._thread.start()
        with self._lock:
            self._descriptor, self._due = descriptor, time.monotonic() + self._seconds
        try:
            yield
        finally:
            with self._lock:
                self._descriptor = None

    def _watch(self) -> None:
        while True:
            time.sleep(0.5)
            with self._lock:  # held while it ends, so that the number is still this socket's
                if self._descriptor is None or time.monotonic() < self._due:
                    continue
                with socket.socket(fileno=os.dup(self._descriptor)) as hung, suppress(OSError):
                    hung.shutdown(socket.SHUT_RDWR)


def connect(seconds: int) -> psycopg.Connection[Any]:
    """A connection whose statements may take so long."""
    import psycopg

    options = f"-c search_path={SCHEMA} -c statement_timeout={seconds * 1000} -c timezone=UTC"
    options = f"{os.environ.get('PGOPTIONS', '')} {options}".strip()
    return psycopg.connect(
        autocommit=True, application_name="mizzen-features", options=options, **_PATIENCE
    )


@contextmanager
def translated() -> Iterator[None]:
    """PostgreSQL's errors as errors of ours."""
    import psycopg

    try:
        yield
    except psycopg.errors.UndefinedTable as error:
        raise NotFound(
            "the feature store holds no values of these views",
            given=_first_line(error),
            next_step="run the training pipeline once; it declares the views",
        ) from None
    except (psycopg.errors.InsufficientPrivilege, psycopg.errors.InvalidPassword) as error:
        raise _refused(error) from None
    except psycopg.OperationalError as error:
        refused = any(word in str(error) for word in ("authentication failed", "no pg_hba.conf"))
        raise (_refused(error) if refused else _away(error)) from None


def _dropped(connection: psycopg.Connection[Any]) -> bool:
    """Whether the server ended the connection since the last question: asked of the socket, so
    that a restart of PostgreSQL costs no request."""
    # an idle connection has nothing to say but goodbye
    return bool(select.select([connection.fileno()], [], [], 0)[0])


def _away(error: Exception) -> MizzenError:
    return TemporaryError(
        "the feature store does not answer",
        given=f"PostgreSQL at {_where()}: {_first_line(error)}",
        next_step="see that it is up, then try again",
    )


def _refused(error: Exception) -> MizzenError:
    return UserError(
        "PostgreSQL refuses this user",
        given=f"{os.environ.get('PGUSER', 'PGUSER is not set')} at {_where()}:"
        f" {_first_line(error)}",
        next_step="fix PGUSER and PGPASSWORD (in a pod: their Secret), and its rights",
    )


def _where() -> str:
    name = os.environ.get
    return f"{name('PGHOST', 'localhost')}:{name('PGPORT', '5432')}/{name('PGDATABASE', '')}"


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0]
