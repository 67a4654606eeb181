"""What one client can do to the control API without a token: nothing to the others."""

from __future__ import annotations

import json
import socket
from pathlib import Path

import httpx
import pytest

from mizzen_tests.api_server import ApiServer

LIMITS = {"headers_seconds": 1, "first_byte_seconds": 1, "body_seconds": 1, "send_seconds": 2}


@pytest.fixture
def impatient(database, start_api) -> ApiServer:
    return start_api(database, environment={"MIZZEN_LIMITS": json.dumps(LIMITS)})


def memory(server: ApiServer) -> int:
    """Resident kilobytes."""
    assert server.process is not None
    lines = Path(f"/proc/{server.process.pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS"))


def connect(server: ApiServer) -> socket.socket:
    return socket.create_connection(("127.0.0.1", server.port), timeout=20)


def read_all(connection: socket.socket) -> bytes:
    parts = []
    try:
        while part := connection.recv(65_536):
            parts.append(part)
    except ConnectionError:
        pass
    return b"".join(parts)


def test_slow_endless_and_foreign_requests_end_and_others_are_answered(impatient) -> None:
    upgrade = (
        b"GET /healthz HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n"
    )
    attacks = {
        b"": b"",
        b"GET /healthz HTTP/1.1\r\n": b" 408 ",
        b"PUT /api/v1/bundles/x HTTP/1.1\r\nhost: a\r\ncontent-length: 9\r\n\r\n": b" 401 ",
        b"GET /" + b"a" * 40_000: b" 431 ",
        upgrade: b" 200 ",
    }
    held = []
    for sent in attacks:
        held.append(connect(impatient))
        held[-1].sendall(sent)
    assert impatient.ask("/readyz") == 200
    for connection, status in zip(held, attacks.values(), strict=True):
        told = read_all(connection)
        assert status in told[:20] if status else told == b""
    page = httpx.get(f"{impatient.address}/metrics").text
    assert 'mizzen_api_refused_connections_total{reason="headers"} 1.0' in page


def test_a_body_without_a_token_is_not_kept(impatient) -> None:
    before, held = memory(impatient), []
    size = 20_000_000
    head = f"PUT /api/v1/projects/shop/bundles/{'0' * 64} HTTP/1.1\r\nhost: a\r\n"
    for _ in range(8):
        held.append(connect(impatient))
        held[-1].sendall(f"{head}content-length: {size}\r\n\r\n".encode())
    for connection in held:
        try:
            for _ in range(size // 1_000_000 - 1):
                connection.sendall(bytes(1_000_000))
        except OSError:
            pass
    assert memory(impatient) - before < 30_000
    assert impatient.ask("/healthz") == 200
    told = held[0].recv(100)
    assert b" 401 " in told or b" 404 " in told
