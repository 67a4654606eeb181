"""Bytes that are nearly HTTP, sent to the protocol of both servers around the service.

Whatever comes is answered with no error of the server, or not at all; nothing is raised in the
event loop, no connection is left behind, and the next client is answered.
"""

from __future__ import annotations

import asyncio
import json
import logging
import random
import re
import socket
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from uvicorn.server import ServerState

from mizzen.adapters.uvicorn.connections import Connections
from mizzen.adapters.uvicorn.limits import Limits
from mizzen.adapters.uvicorn.server import configuration
from mizzen_serving.app import ServingApp
from mizzen_serving.options import ServeOptions
from mizzen_tests import soak
from mizzen_tests.hostile import JSON_PIECES, broken
from mizzen_tests.load import ROW

BODY = json.dumps(ROW).encode()
HEAD = b"POST /predict HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\n"
LENGTH = b"content-length: %d\r\n" % len(BODY)
CHUNKS = b"%x\r\n%b\r\n%x\r\n%b\r\n0\r\n\r\n" % (9, BODY[:9], len(BODY) - 9, BODY[9:])
WHOLE = HEAD + LENGTH + b"\r\n" + BODY
LAST = b"GET /healthz HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n"
REQUESTS = [
    WHOLE,
    HEAD + b"transfer-encoding: chunked\r\n\r\n" + CHUNKS,
    HEAD + LENGTH + b"expect: 100-continue\r\n\r\n" + BODY,
    HEAD + LENGTH + b"connection: upgrade\r\nupgrade: h2c\r\n\r\n" + BODY,
    WHOLE + LAST.replace(b"connection: close\r\n", b"") + WHOLE,
]
PIECES = [
    *JSON_PIECES,
    *(b"\r\n", b"\r\n\r\n", b"\n", b"\r", b"\0", b" ", b":", b"0\r\n\r\n", b"f" * 20 + b"\r\n"),
    *(b" HTTP/2.0\r\n", b"HTTP/1.0", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"\x16\x03\x01\x02\x00"),
    *(b"content-length: -1\r\n", b"content-length: 5\r\n", b"transfer-encoding: chunked\r\n"),
    *(b"content-encoding: gzip\r\n", b"connection: close\r\n", b"upgrade: websocket\r\n"),
    *(b"x: " + b"y" * 40_000 + b"\r\n", b"x: y\r\n" * 200, b"GET /metrics HTTP/1.1\r\n\r\n" * 9),
]
WAIT_SECONDS = 0.05  # for what waits for more; the next byte never comes


class Server:
    """The service behind the protocol, in this process."""

    def __init__(self, app: ServingApp) -> None:
        self.loop = asyncio.new_event_loop()
        self.loop.set_exception_handler(lambda _loop, context: self.raised.append(context))
        self.raised: list[Any] = []
        self.connections = Connections(Limits())
        self._config = configuration(app, self.connections, log_level="error", log_config=None)
        self._config.load()
        self._state = ServerState()

    def send(self, parts: list[bytes]) -> bytes:
        """What comes back over a connection of its own."""
        return self.loop.run_until_complete(self._send(parts))

    async def _send(self, parts: list[bytes]) -> bytes:
        near, far = socket.socketpair()
        await self.loop.connect_accepted_socket(self._protocol, far)
        reader, writer = await asyncio.open_connection(sock=near)
        told = bytearray()
        try:
            for part in parts:
                writer.write(part)
                await asyncio.sleep(0)
            while part := await asyncio.wait_for(reader.read(65_536), WAIT_SECONDS):
                told += part
        except (TimeoutError, ConnectionError):
            pass
        writer.close()
        while self._state.connections or self._state.tasks:
            await asyncio.sleep(0)
        return bytes(told)

    def _protocol(self) -> Any:
        return self._config.http_protocol_class(
            config=self._config, server_state=self._state, app_state={}
        )


@pytest.fixture(scope="module")
def server(package_of: Any, place_in: Any, tmp_path_factory: Any) -> Iterator[Server]:
    app = ServingApp()
    app.start(ServeOptions(package_of("binary"), 3), place_in(tmp_path_factory.mktemp("raw")))
    found = Server(app)
    yield found
    app.stop()
    found.loop.close()


def cut(content: bytes, chance: random.Random) -> list[bytes]:
    """As it may arrive: in up to four parts."""
    at = sorted(chance.randint(0, len(content)) for _ in range(chance.randint(0, 3)))
    return [content[a:b] for a, b in zip([0, *at], [*at, len(content)], strict=True)]


@pytest.mark.parametrize("request_bytes", REQUESTS)
def test_whole_requests_are_answered_however_they_are_cut(
    server: Server, request_bytes: bytes
) -> None:
    told = server.send([request_bytes[n : n + 7] for n in range(0, len(request_bytes), 7)])
    assert set(re.findall(rb"HTTP/1\.1 (\d{3})", told)) <= {b"100", b"200"}
    assert b"HTTP/1.1 200" in told


@pytest.mark.soak
@settings(
    max_examples=soak.examples(300, 10_000),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
@given(request_bytes=st.sampled_from(REQUESTS), seed=st.integers(0, 2**32))
def test_bytes_that_are_nearly_requests_are_refused_and_harm_nobody(
    server: Server, request_bytes: bytes, seed: int
) -> None:
    chance = random.Random(seed)
    told = server.send(cut(broken(request_bytes, chance, PIECES) + LAST, chance))
    statuses = set(re.findall(rb"HTTP/1\.1 (\d{3})", told))
    assert statuses <= {b"100", b"200", b"400", b"404", b"405", b"408", b"413", b"415", b"422",
                        b"429", b"431"}, told  # fmt: skip
    assert len(server.connections) == 0
    assert server.raised == []


@pytest.fixture(autouse=True)
def quiet(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Nothing is written as an error, either."""
    yield
    errors = [one.getMessage() for one in caplog.records if one.levelno >= logging.ERROR]
    assert errors == []
