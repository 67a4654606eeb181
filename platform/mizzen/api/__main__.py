"""`python -m mizzen.api`: one server process; more of them are replicas."""

from __future__ import annotations

import argparse
import logging
import os
import socket
import ssl
import sys
from pathlib import Path

from mizzen.adapters.uvicorn.connections import Connections
from mizzen.adapters.uvicorn.limits import Limits
from mizzen.adapters.uvicorn.listener import bind
from mizzen.adapters.uvicorn.server import DrainingServer, configuration, give_memory_back
from mizzen.api.app import create_app
from mizzen.api.settings import SERVICE_TOKEN, TOKEN, ModelServices, Settings, Tokens
from mizzen.errors import MizzenError, UserError
from mizzen.state.database import Database
from mizzen.state.sql_state import SqlState
from mizzen.state.sqlalchemy_store import Pool, ServerStore
from mizzen.streams import guard_streams

_ANSWER_SECONDS = 20


def main(words: list[str] | None = None) -> int:
    """Serve until SIGTERM; the exit code is an error's where it cannot start."""
    given = _parser().parse_args(words)
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    logging.getLogger("httpx").setLevel(logging.WARNING)
    try:
        settings = Settings(
            tokens=Tokens(os.environ.get(TOKEN, ""), given.tokens),
            models=ModelServices(given.models, given.namespace),
            largest=given.largest,
            predicting=given.predicting,
            service_token=os.environ.get(SERVICE_TOKEN) or None,
            limits=Limits.from_environment(),
        )
        _check_certificate(given.tls_cert, given.tls_key)
        listener = bind(given.host, given.port)
    except MizzenError as error:
        sys.stderr.write(f"error: {error}\n")
        return error.exit_code
    with listener:
        return _run(given, settings, listener)


def _run(given: argparse.Namespace, settings: Settings, listener: socket.socket) -> int:
    give_memory_back()
    app = create_app(SqlState(Database(ServerStore(given.state, Pool()))), settings)
    connections = Connections(settings.limits, app.state.instruments.refuse_connection)
    app.state.instruments.watch(connections)
    config = configuration(
        app,
        connections,
        ssl_certfile=given.tls_cert,
        ssl_keyfile=given.tls_key,
        log_config=None,
        timeout_graceful_shutdown=_ANSWER_SECONDS,
    )
    # open streams would keep it for as long as their runs last; their clients ask another replica
    server = DrainingServer(config, connections, 0.0, app.state.stopping.set, listener)
    server.run(sockets=[listener])
    return 0 if server.started else MizzenError.exit_code


def _check_certificate(certificate: Path | None, key: Path | None) -> None:
    if (certificate is None) != (key is None):
        raise UserError("--tls-cert and --tls-key go together")
    if certificate is None:
        return
    try:
        ssl.create_default_context(ssl.Purpose.CLIENT_AUTH).load_cert_chain(certificate, key)
    except OSError as error:
        raise UserError(
            "the certificate and its key cannot be used",
            given=f"{certificate}, {key}: {error}",
            allowed="PEM files that belong together",
        ) from None


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "python -m mizzen.api",
        description="The control API. Bearer tokens come from --tokens and MIZZEN_API_TOKEN, what "
        "a client may take from MIZZEN_LIMITS.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    add = parser.add_argument
    add("--host", default="127.0.0.1", help="address to listen on")
    add("--port", type=int, default=8080, help="port to listen on")
    add(
        "--tokens",
        type=Path,
        help="named tokens with their roles: a file with lines `NAME TOKEN ROLES`, or a folder "
        "with a file for each name; read again when it changes",
    )
    add("--tls-cert", type=Path, help="certificate chain in PEM; https then")
    add("--tls-key", type=Path, help="its key")
    add(
        "--state",
        default="postgresql+psycopg://",
        help="SQLAlchemy URL; PGHOST and the like say what it leaves out",
    )
    add(
        "--models",
        default="http://{model}-stable.{namespace}.svc",
        help="where the service of a model answers",
    )
    add("--namespace", default="default", help="what {namespace} stands for")
    add("--largest", type=int, default=32 << 20, help="bytes of a request")
    add("--predicting", type=float, default=60.0, help="seconds that a model may take")
    return parser


if __name__ == "__main__":
    guard_streams()
    sys.exit(main())
