"""Small questions to ports and pages."""

from __future__ import annotations

import json
import socket
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

from mizzen.adapters.http.client import FAULTS, HttpClient
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
    parts = urlsplit(address)
    path = f"{parts.path}?{parts.query}" if parts.query else parts.path
    client = HttpClient(f"{parts.scheme}://{parts.netloc}", seconds=seconds, proxied=True)
    try:
        answer = client.send("GET", path or "/", headers={"Connection": "close"})
    except (*FAULTS, ValueError):
        return None
    if answer.status >= HTTPStatus.MULTIPLE_CHOICES:
        return None
    try:
        found = json.loads(answer.content)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
