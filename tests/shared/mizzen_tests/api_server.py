"""The control API as a process, the way a cluster runs it."""

from __future__ import annotations

import http.client
import os
import signal
import socket
import ssl
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path

from mizzen.spec.profile import Control
from mizzen.state.remote import HttpState, open_remote

TOKEN = "a-token-of-the-tests"
_SECONDS = 180  # on a machine that runs other tests as well


class ApiServer:
    """One server on a free port.

    Args:
        database: libpq's environment.
        program: what to run instead of `-m mizzen.api`, with the same arguments.
    """

    def __init__(
        self,
        database: Mapping[str, str],
        log: Path,
        words: Sequence[str] = (),
        program: Sequence[str] = ("-m", "mizzen.api"),
        environment: Mapping[str, str] | None = None,
        scheme: str = "http",
    ) -> None:
        self.port, self.database = _free_port(), database["PGDATABASE"]
        self.address = f"{scheme}://127.0.0.1:{self.port}"
        self._environment = {
            **os.environ,
            **database,
            "MIZZEN_API_TOKEN": TOKEN,
            **(environment or {}),
        }
        self._command = [sys.executable, *program, "--port", str(self.port), *words]
        self.log = log
        self.process: subprocess.Popen[bytes] | None = None

    def start(self, ready: bool = True) -> ApiServer:
        """Start it; returns when it is ready, or when it lives."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self._command, env=self._environment, stdout=log, stderr=log
            )
        until = time.monotonic() + _SECONDS
        while self.ask("/readyz" if ready else "/healthz") != 200:
            if self.process.poll() is not None or time.monotonic() > until:
                raise AssertionError(self.log.read_text())
            time.sleep(0.05)
        return self

    def ask(self, path: str) -> int:
        """The status of a page that needs no token; 0 where nobody answers."""
        anybody = ssl.create_default_context()
        anybody.check_hostname, anybody.verify_mode = False, ssl.CERT_NONE
        url = f"{self.address}{path}"
        try:
            with urllib.request.urlopen(url, timeout=20, context=anybody) as answer:  # noqa: S310
                return int(answer.status)
        except urllib.error.HTTPError as error:
            return error.code
        except OSError:
            return 0

    def connect(self) -> http.client.HTTPConnection:
        """A connection to it, of which nothing was sent yet."""
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=_SECONDS)

    def stop(self, number: int = signal.SIGTERM) -> int:
        """End it; its exit status."""
        if self.process is None:
            return 0
        self.process.send_signal(number)
        status = self.process.wait(_SECONDS)
        self.process = None
        return status

    def state(self) -> HttpState:
        """A client."""
        return open_remote(Control(url=self.address))


def migrate(database: Mapping[str, str], *words: str) -> subprocess.CompletedProcess[str]:
    """Run the migration command over a database; `upgrade` unless told otherwise."""
    command = [sys.executable, "-m", "mizzen.state.migrations", *(words or ["upgrade"])]
    environment = {**os.environ, **database}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert words or done.returncode == 0, done.stderr
    return done


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
