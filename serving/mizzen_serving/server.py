"""Runs the service: one process, or several that share a port (`workers`).

Told to stop, it is unready at once, goes on answering for `drain` seconds with
`Connection: close`, so that those who balance requests move on, then keeps new connections out
and ends when the last answer is sent. A second signal ends it without waiting.
"""

from __future__ import annotations

import os
import socket
import sys
import tempfile
from collections.abc import Callable
from typing import Any

from mizzen.adapters.uvicorn.connections import Connections
from mizzen.adapters.uvicorn.limits import Limits
from mizzen.adapters.uvicorn.listener import bind, take_no_more
from mizzen.adapters.uvicorn.server import DrainingServer, configuration, give_memory_back
from mizzen.core.place import Place
from mizzen_serving.bento import open_service
from mizzen_serving.board import WorkerBoard
from mizzen_serving.options import METRICS_FOLDER, METRICS_VARIABLE, Inherited, ServeOptions
from mizzen_serving.workers import Workers


def serve(options: ServeOptions, place: Place, inherited: Inherited) -> int:
    """Answer requests until told to stop; returns the exit status.

    Args:
        inherited: what a supervisor gave to this process, if one did.

    Raises:
        Conflict: the port is taken.
        UserError: MIZZEN_LIMITS or the file of tokens cannot be used.
    """
    limits = Limits.from_environment()
    if inherited.listener is not None:
        listener = socket.socket(fileno=inherited.listener)
    else:
        listener = bind(options.host, options.port)
    with listener:
        if options.workers > 1:
            return _supervise(options, place, listener, inherited.listener is None)
        return _run(options, place, listener, limits, inherited)


def _run(
    options: ServeOptions,
    place: Place,
    listener: socket.socket,
    limits: Limits,
    inherited: Inherited,
) -> int:
    give_memory_back()
    service = open_service(options, place)
    app = service.application
    app.join(inherited.open_board())
    app.start(options, place)  # before the server, so that what fails is one error, not a trace
    connections = Connections(limits, app.count_refusal, app.show_load)
    app.watch(connections)
    config = configuration(service.to_asgi(), connections, log_level="warning")
    own = listener if inherited.listener is None else None
    managed = inherited.board is not None
    server = DrainingServer(
        config, connections, options.drain, app.drain, own, managed, inherited.parent
    )
    server.run(sockets=[listener])
    return 0 if server.started else 1


def _supervise(options: ServeOptions, place: Place, listener: socket.socket, own: bool) -> int:
    port = str(listener.getsockname()[1])
    board = WorkerBoard.create(options.workers)
    me = os.getpid()

    def command(number: int, drain: float) -> list[str]:
        words: dict[str, Any] = {
            **options.words(),
            "--port": port,
            "--drain": drain,
            "--listener": listener.fileno(),
            "--board": board.descriptor,
            "--worker": number,
            "--parent": me,
        }
        return [sys.executable, "-m", "mizzen_serving", *map(str, sum(words.items(), ()))]

    with tempfile.TemporaryDirectory(prefix=METRICS_FOLDER) as folder:
        environment = {**os.environ, **place.to_environment(), METRICS_VARIABLE: folder}
        close = (lambda: take_no_more(listener)) if own else _nothing
        return Workers(
            command,
            environment,
            listener.fileno(),
            board,
            options.drain,
            close,
            _forget_figures(folder),
        ).run()


def _nothing() -> None:
    """Whoever gave us the socket goes on accepting from it."""


def _forget_figures(folder: str) -> Callable[[int], None]:
    def forget(pid: int) -> None:
        from prometheus_client.multiprocess import mark_process_dead

        mark_process_dead(pid, folder)  # type: ignore[no-untyped-call]

    return forget
