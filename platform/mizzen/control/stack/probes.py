"""Small questions to ports and pages, with the standard library only."""

from __future__ import annotations

import json
import socket
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import Request

from mizzen.adapters.loopback import open_url
from mizzen.errors import Conflict


def listen(host: str, port: int, what: str, field: str) -> socket.socket:
    """A listening socket; port 0 takes a free one.

    Raises:
        Conflict: the port is taken; says which and where to change it.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(1024)
    except OSError as error:
        listener.close()
        raise Conflict(
            f"{what} cannot listen on {host}:{port}",
            given=error.strerror,
            allowed="a free port, or 0 to take any",
            next_step=f"stop what listens there, or set `{field}` in the profile to another port",
        ) from None
    return listener


def ask(address: str, seconds: float = 2.0) -> dict[str, Any] | None:
    """The JSON (or `{}`) behind an address; None when it does not answer with success."""
    try:
        with open_url(Request(address), seconds) as answer:  # noqa: S310 (own addresses)
            content = answer.read()
    except (HTTPError, URLError, OSError, ValueError):
        return None
    try:
        found = json.loads(content)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
