"""A client that means harm, in a process of its own: `attack.py KIND PORT SECONDS`.

Comes from another address of this machine than the good client, as it would in life. Each kind is
a loop that one thread runs; it connects again whenever the service has closed its connection.
"""

from __future__ import annotations

import contextlib
import socket
import sys
import threading
import time

_ADDRESS = ("127.0.0.2", 0)
_HEAD = b"POST /predict HTTP/1.1\r\nHost: service\r\n"
_PAUSE = 0.005  # seconds before the next connection: processors are what it shares with the service


def _connect(port: int) -> socket.socket:
    found = socket.create_connection(("127.0.0.1", port), 5, source_address=_ADDRESS)
    found.settimeout(5)
    return found


def _pour(port: int, begin: bytes, piece: bytes, pause: float = 0.0) -> None:
    """Begin a request, then send more of the same until the service closes the connection."""
    with _connect(port) as service:
        service.sendall(begin)
        while True:
            service.sendall(piece)
            time.sleep(pause)


def endless_header(port: int) -> None:
    """One header of which there is always more."""
    _pour(port, _HEAD + b"X-Long: ", b"a" * 65_536)


def half_sent(port: int) -> None:
    """A header that is never finished, held open."""
    with _connect(port) as service:
        service.sendall(_HEAD)
        service.recv(1)


def slow_body(port: int) -> None:
    """A body that comes byte by byte."""
    _pour(port, _HEAD + b"Content-Length: 1000000\r\n\r\n", b" ", pause=0.1)


def large_body(port: int) -> None:
    """A body that is larger than the service takes."""
    _pour(port, _HEAD + b"Content-Length: 100000000\r\n\r\n", b" " * 65_536)


def unread_answers(port: int) -> None:
    """Requests one after another, of which no answer is read."""
    _pour(port, b"", b"GET /metrics HTTP/1.1\r\nHost: service\r\n\r\n" * 16)


def upgrades(port: int) -> None:
    """A WebSocket that the service does not speak."""
    with _connect(port) as service:
        service.sendall(
            b"GET /predict HTTP/1.1\r\nHost: service\r\nConnection: Upgrade\r\n"
            b"Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
            b"Sec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\n\r\n"
        )
        while service.recv(65_536):
            pass


# kind -> what it does, and how many do it at once
KINDS = {
    "a header without end": (endless_header, 4),
    "half-sent requests": (half_sent, 1_000),
    "bodies byte by byte": (slow_body, 64),
    "bodies that are too large": (large_body, 4),
    "answers that nobody reads": (unread_answers, 8),
    "upgrades to WebSocket": (upgrades, 8),
}


def attack(kind: str, port: int, seconds: float) -> None:
    """All threads of a kind, until the time is over."""
    once, count = KINDS[kind]
    until = time.monotonic() + seconds

    def again_and_again() -> None:
        while time.monotonic() < until:
            with contextlib.suppress(OSError):
                once(port)
            time.sleep(_PAUSE)

    for _ in range(count):
        threading.Thread(target=again_and_again, daemon=True).start()
    time.sleep(seconds)


if __name__ == "__main__":
    attack(sys.argv[1], int(sys.argv[2]), float(sys.argv[3]))
