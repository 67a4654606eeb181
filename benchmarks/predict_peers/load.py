"""A load of POST /predict in a process of its own: `load.py PORT CONNECTIONS SECONDS BODY`.

Each connection sends its next request when the answer to the last one has come. Raw sockets
and epoll, because the load shares the machine with what it measures. BENCH_TOKEN is sent as a
bearer token, if there is one. Prints one line of JSON: requests, failed, seconds, and the
latencies' p50 and p99 in milliseconds.
"""

from __future__ import annotations

import json
import os
import select
import socket
import sys
import time
from pathlib import Path

MAX_REQUESTS = 2_000_000
_WARM_UP_SHARE = 0.2  # of the seconds, before anything is counted


class Connection:
    """One keep-alive connection with at most one request under way."""

    def __init__(self, port: int, request: bytes) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=10)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._request = request
        self._received = b""
        self.started = 0.0

    def send(self) -> None:
        """Send the next request."""
        self._received = b""
        self.started = time.perf_counter()
        self.socket.sendall(self._request)

    def receive(self) -> int | None:
        """The answer's status once all of it is here."""
        chunk = self.socket.recv(65_536)
        if not chunk:
            return 0
        self._received += chunk
        head, found, body = self._received.partition(b"\r\n\r\n")
        if not found:
            return None
        lower = head.lower()
        length = int(lower.split(b"content-length:", 1)[1].split(b"\r\n", 1)[0])
        return int(head[9:12]) if len(body) >= length else None


def measure(port: int, connections: int, seconds: float, body: bytes) -> dict[str, float]:
    """Load the service and say how it answered."""
    token = os.environ.get("BENCH_TOKEN")
    head = (
        f"POST /predict HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n"
        f"{f'Authorization: Bearer {token}' if token else 'X-Nothing: 0'}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    open_ones = {}
    poll = select.epoll()
    for _ in range(connections):
        connection = Connection(port, head.encode() + body)
        open_ones[connection.socket.fileno()] = connection
        poll.register(connection.socket, select.EPOLLIN)
        connection.send()
    begin = time.perf_counter() + seconds * _WARM_UP_SHARE
    end = begin + seconds
    latencies: list[float] = []
    failed = 0
    while time.perf_counter() < end and len(latencies) < MAX_REQUESTS:
        for descriptor, _ in poll.poll(1.0):
            connection = open_ones[descriptor]
            status = connection.receive()
            if status is None:
                continue
            now = time.perf_counter()
            if now >= begin:
                latencies.append(now - connection.started)
                failed += status != 200
            if status == 0:
                raise SystemExit("the service closed a connection")
            connection.send()
    return _figures(latencies, failed, seconds)


def _figures(latencies: list[float], failed: int, seconds: float) -> dict[str, float]:
    ordered = sorted(latencies)

    def quantile(share: float) -> float:
        return round(ordered[int(share * (len(ordered) - 1))] * 1000, 3)

    return {
        "requests": len(ordered),
        "failed": failed,
        "seconds": seconds,
        "per_second": round(len(ordered) / seconds, 1),
        "p50_ms": quantile(0.50),
        "p99_ms": quantile(0.99),
    }


if __name__ == "__main__":
    port, connections, seconds, body = sys.argv[1:]
    print(json.dumps(measure(int(port), int(connections), float(seconds), Path(body).read_bytes())))
