"""Put on PYTHONPATH by test_telemetry: writes down every address that Python code asks for.

Python imports `sitecustomize` at start, in every child process too, so that no library can
open its connection before it is watched.
"""

from __future__ import annotations

import os
import sys

LOOPBACK = ("127.", "localhost", "::1", "0.0.0.0")  # noqa: S104 (a name to recognise, no bind)
EVENTS = {"socket.connect": 1, "socket.getaddrinfo": 0, "socket.gethostbyname": 0}


def _watch(event: str, arguments: tuple[object, ...]) -> None:
    if event not in EVENTS:
        return
    place = arguments[EVENTS[event]]
    host = place[0] if isinstance(place, tuple) else place
    if isinstance(host, bytes):
        host = host.decode(errors="replace")
    if isinstance(host, str) and host and not host.startswith((*LOOPBACK, "/")):
        with open(os.environ["MIZZEN_TEST_ADDRESSES"], "a") as file:  # noqa: PTH123 (start-up)
            file.write(f"{host} by {' '.join(sys.argv)[:200]}\n")


if "MIZZEN_TEST_ADDRESSES" in os.environ:
    sys.addaudithook(_watch)
