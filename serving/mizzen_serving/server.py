"""Runs the service: one process, or several that share a port.

Told to stop (SIGTERM, SIGINT), a process is unready at once, goes on answering for `drain`
seconds with `Connection: close`, so that whoever balances requests moves on, then closes the
port and ends when the last answer is sent. A second signal ends it without waiting.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from types import FrameType
from typing import Any

import uvicorn

from mizzen.core.place import Place
from mizzen.errors import Conflict
from mizzen_serving.app import ServingApp
from mizzen_serving.options import METRICS_FOLDER, METRICS_VARIABLE, ServeOptions
from mizzen_serving.service import make_service

_KEEP_ALIVE_SECONDS = 75
_BACKLOG = 1024


class DrainingServer(uvicorn.Server):
    """Uvicorn that says goodbye before it leaves."""

    def __init__(self, config: uvicorn.Config, app: ServingApp, drain: float) -> None:
        super().__init__(config)
        self._app = app
        self._drain = drain
        self._leave_at: float | None = None

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """The first signal begins the drain, the second ends it."""
        if self._leave_at is None and self.started:
            self._app.draining = True
            self._leave_at = time.monotonic() + self._drain
            return
        super().handle_exit(sig, frame)

    async def on_tick(self, counter: int) -> bool:
        """Ten times a second."""
        leaving = self._leave_at is not None and time.monotonic() >= self._leave_at
        return await super().on_tick(counter) or leaving


def serve(options: ServeOptions, place: Place, inherited: int | None = None) -> int:
    """Answer requests until told to stop; returns the exit status.

    Args:
        inherited: descriptor of a bound socket, for one of several workers.

    Raises:
        Conflict: the port is taken.
    """
    listener = socket.socket(fileno=inherited) if inherited is not None else _bind(options)
    with listener:
        if options.workers > 1:
            return _supervise(options, place, listener)
        return _run(options, place, listener)


def _run(options: ServeOptions, place: Place, listener: socket.socket) -> int:
    app = ServingApp()
    app.start(options, place)  # before the server, so that what fails is one error, not a trace
    service = make_service(place.project, app, lambda: (options, place), app.description)
    config = uvicorn.Config(
        service.to_asgi(),
        backlog=_BACKLOG,
        log_level="warning",
        access_log=False,
        server_header=False,
        timeout_keep_alive=_KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=30,
    )
    server = DrainingServer(config, app, options.drain)
    server.run(sockets=[listener])
    return 0 if server.started else 1


def _bind(options: ServeOptions) -> socket.socket:
    family = socket.AF_INET6 if ":" in options.host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((options.host, options.port))
    except OSError as error:
        listener.close()
        raise Conflict(
            f"cannot listen on {options.host}:{options.port}",
            given=error,
            next_step="stop what listens there, or choose another port: --port",
        ) from None
    return listener


def _supervise(options: ServeOptions, place: Place, listener: socket.socket) -> int:
    """Start the workers, pass signals on, and end with the first failure of one."""
    port = str(listener.getsockname()[1])
    with _shared_metrics() as metrics:
        environment = {**os.environ, **place.to_environment(), **metrics}
        command = [sys.executable, "-m", "mizzen_serving", *_worker_arguments(options, port)]
        command += ["--listener", str(listener.fileno())]
        workers = [
            subprocess.Popen(command, env=environment, pass_fds=[listener.fileno()])
            for _ in range(options.workers)
        ]
        told = _pass_signals(workers)
        return _wait(workers, told)


def _worker_arguments(options: ServeOptions, port: str) -> list[str]:
    arguments: dict[str, Any] = {
        "--package": options.package,
        "--version": options.version,
        "--host": options.host,
        "--port": port,
        "--threads": options.threads,
        "--queue": options.queue,
        "--drain": options.drain,
    }
    return [str(part) for pair in arguments.items() for part in pair]


@contextlib.contextmanager
def _shared_metrics() -> Iterator[dict[str, str]]:
    with tempfile.TemporaryDirectory(prefix=METRICS_FOLDER) as folder:
        yield {METRICS_VARIABLE: folder}


def _pass_signals(workers: list[subprocess.Popen[bytes]]) -> list[int]:
    """The signals that came so far; each goes on to every worker."""
    told: list[int] = []

    def pass_on(number: int, _frame: FrameType | None) -> None:
        told.append(number)
        for worker in workers:
            if worker.poll() is None:
                worker.send_signal(number)

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, pass_on)
    return told


def _wait(workers: list[subprocess.Popen[bytes]], told: list[int]) -> int:
    """A worker that ends by itself takes the others with it: whoever supervises this process
    starts it anew, and nobody believes that all workers answer while one is gone."""
    failed = False
    while any(worker.poll() is None for worker in workers):
        if not told and not failed and any(worker.poll() is not None for worker in workers):
            failed = True
            for worker in workers:
                if worker.poll() is None:
                    worker.terminate()
        time.sleep(0.2)
    # a worker that was still loading when told to stop has no handler yet and dies of the signal
    stopped = {0, *(-number for number in told)}
    return int(failed or any(worker.returncode not in stopped for worker in workers))
