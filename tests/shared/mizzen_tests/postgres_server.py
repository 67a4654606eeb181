"""A real PostgreSQL in a temporary folder, run by an unprivileged user."""

from __future__ import annotations

import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import psycopg

PACKAGE = "postgresql"
_FAST = ("fsync=off", "max_connections=200")
_SECONDS = 60


class Postgres:
    """One server on a free port of this machine."""

    def __init__(self) -> None:
        programs = find_programs()
        if programs is None:
            raise FileNotFoundError(PACKAGE)
        self._programs, self._user = programs, _user()
        self._folder = Path(tempfile.mkdtemp(prefix="mizzen-postgres-", dir="/tmp"))
        if self._user is not None:
            shutil.chown(self._folder, self._user)
        self._password, self.port = secrets.token_hex(8), _free_port()
        self._process: subprocess.Popen[bytes] | None = None
        self._initialise()
        self.start()

    def start(self) -> None:
        """Start it; returns when it answers."""
        where = ["-D", str(self._folder / "data"), "-h", "127.0.0.1", "-p", str(self.port)]
        options = [word for option in _FAST for word in ("-c", option)]
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [str(self._programs / "postgres"), *where, "-k", "", *options],
                stdout=log,
                stderr=log,
                user=self._user,
                start_new_session=True,
            )
        until = time.monotonic() + _SECONDS
        while True:
            try:
                psycopg.connect(**self._where("postgres")).close()
            except psycopg.OperationalError:
                if time.monotonic() > until or self._process.poll() is not None:
                    raise AssertionError((self._folder / "log").read_text()) from None
                time.sleep(0.05)
            else:
                return

    def stop(self, number: int = signal.SIGINT) -> None:
        """Stop it as a restart does: connections are cut."""
        if self._process is not None:
            self._process.send_signal(number)
            self._process.wait(_SECONDS)
            self._process = None

    def pause(self) -> None:
        """Freeze every process of it: it is there, and says nothing."""
        self._signal_all(signal.SIGSTOP)

    def go_on(self) -> None:
        """The opposite of `pause`."""
        self._signal_all(signal.SIGCONT)

    def remove(self) -> None:
        """Stop it and delete its files."""
        if self._process is not None:
            self.go_on()
            self.stop()
        shutil.rmtree(self._folder, ignore_errors=True)

    def new_database(self, template: str = "template0") -> dict[str, str]:
        """A copy of a database (an empty one); the environment of whoever is to use it."""
        name = f"test_{secrets.token_hex(6)}"
        with psycopg.connect(**self._where("postgres"), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
        where = self._where(name)
        return {
            "PGHOST": where["host"],
            "PGPORT": where["port"],
            "PGUSER": where["user"],
            "PGPASSWORD": where["password"],
            "PGDATABASE": name,
        }

    def clear(self, database: str) -> None:
        """Empty its tables."""
        with psycopg.connect(**self._where(database)) as connection:
            connection.execute("TRUNCATE projects, bundles, leases CASCADE")

    def _where(self, database: str) -> dict[str, Any]:
        return {
            "host": "127.0.0.1",
            "port": str(self.port),
            "user": "mizzen",
            "password": self._password,
            "dbname": database,
        }

    def _initialise(self) -> None:
        secret = self._folder / "password"
        secret.write_text(self._password)
        if self._user is not None:
            shutil.chown(secret, self._user)
        login = ["--username=mizzen", f"--pwfile={secret}", "--auth=scram-sha-256"]
        initdb = [str(self._programs / "initdb"), f"--pgdata={self._folder / 'data'}", *login]
        form = ["--encoding=UTF8", "--no-locale", "--no-sync"]
        subprocess.run([*initdb, *form], check=True, capture_output=True, user=self._user)

    def _signal_all(self, number: int) -> None:
        if self._process is None:
            return
        self._process.send_signal(number)
        children = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children")
        for pid in map(int, children.read_text().split()):
            with suppress(ProcessLookupError):  # the process of a connection that just closed
                os.kill(pid, number)


def find_programs() -> Path | None:
    """Where PostgreSQL's programs are: Debian keeps them off the path."""
    on_path = shutil.which("initdb")
    if on_path is not None and shutil.which("postgres"):
        return Path(on_path).parent
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    return found[-1].parent if found else None


def _user() -> str | None:
    """Whom to be: it refuses to run as root."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name).pw_name
        except KeyError:
            continue
    raise AssertionError("no unprivileged user to run PostgreSQL as")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
