"""HTTP/1.1 as uvicorn speaks it with httptools, within `Limits`.

Uvicorn waits for ever for the rest of a request, keeps what httptools collects of a header that
never ends, and starts as many pipelined requests as a client sends. Here each connection has a
deadline for what it waits for; `Connections` looks at all of them a few times a second, which
costs a request less than a timer of its own.
"""

from __future__ import annotations

import asyncio
import json
import urllib.parse
from enum import Enum
from functools import lru_cache
from typing import Any

import httptools
from uvicorn.protocols.http.httptools_impl import (
    STATUS_LINE,
    HttpToolsProtocol,
    RequestResponseCycle,
)

from mizzen.adapters.uvicorn.connections import Connections
from mizzen.adapters.uvicorn.exchange import Exchange
from mizzen.errors import InvalidData, MizzenError, TemporaryError

_LEAVE_SECONDS = 1.0  # a client that has just connected may be about to ask
_LINGER_SECONDS = 2.0  # so that a refusal is read before the connection breaks
_CHUNK_OVERHEAD = 8  # bytes on the wire for one byte of a body in the smallest chunks, and more


class _Stage(Enum):
    """Which part of a request comes next."""

    NONE = 1
    HEAD = 2
    BODY = 3


class LimitedProtocol(HttpToolsProtocol):
    """One connection."""

    def __init__(self, *given: Any, connections: Connections, **named: Any) -> None:
        super().__init__(*given, **named)
        self._connections, self._limits = connections, connections.limits
        self._stage = _Stage.NONE
        self._passed = False  # headers ended in the bytes that are being read
        self._head_bytes = self._wire_bytes = self._body_bytes = self._paid_bytes = 0
        self._deadline: float | None = None  # 0.0: to be set once the bytes at hand are read
        self._send_by: float | None = None
        self._close_by: float | None = None
        self._deaf = False
        self._plain_left = 0  # of a body that the parser leaves to the other protocol
        self._fault: tuple[int, MizzenError] | None = None

    # what asyncio calls

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Take the connection, or say that there is no place."""
        super().connection_made(transport)
        if not self._connections.admit(self, self.client[0] if self.client else ""):
            full = TemporaryError("too many connections", next_step="try again in a second")
            self._refuse(503, full)
            self.transport.close()
            return
        self._wait_for(self._limits.first_byte_seconds)

    def connection_lost(self, exc: Exception | None) -> None:
        """It is gone."""
        self._connections.forget(self)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Read on, as far as a request may go."""
        if self._plain_left:
            self._read_plain(data)
            return
        while data and not self._deaf:
            part = data
            if self._stage is not _Stage.BODY:
                room = self._limits.header_bytes - self._head_bytes
                if room <= 0:
                    self._fault = self._header_fault()
                    self._refuse_fault()
                    return
                part = data if len(data) <= room else data[:room]
            self._read(part)
            data = data[len(part) :]
        if self._deadline == 0.0 and self._stage is not _Stage.NONE:
            head = self._stage is _Stage.HEAD
            limits = self._limits
            seconds = limits.headers_seconds if head else limits.body_seconds
            self._deadline = self.loop.time() + seconds

    def pause_writing(self) -> None:
        """The client does not read its answer."""
        self._send_by = self.loop.time() + self._limits.send_seconds
        super().pause_writing()

    def resume_writing(self) -> None:
        """It reads again."""
        self._send_by = None
        super().resume_writing()

    # what the parser calls

    def on_message_begin(self) -> None:
        """The first byte of a request."""
        if len(self.pipeline) >= self._limits.pipelined:
            self._deaf = True
            raise ValueError("pipelined")
        super().on_message_begin()
        self._stage, self._deadline = _Stage.HEAD, 0.0

    def on_headers_complete(self) -> None:
        """The application begins."""
        if len(self.headers) > self._limits.header_count:
            self._fault = self._header_fault()
            raise ValueError("headers")
        self._finish_scope()
        earlier, self.cycle = self.cycle, self._exchange()
        if earlier is None or earlier.response_complete:
            self._start(self.cycle)
        else:
            self.flow.pause_reading()
            self.pipeline.appendleft((self.cycle, self.app))
        self._stage, self._deadline, self._passed = _Stage.BODY, 0.0, True
        self._wire_bytes = self._body_bytes = self._paid_bytes = 0
        if self.parser.should_upgrade():  # not taken: the request is answered, and was the last
            self._plain_left = _length_of(self.headers)
            self.cycle.keep_alive = False

    def on_body(self, body: bytes) -> None:
        """A part of it."""
        self._body_bytes += len(body)
        super().on_body(body)

    def on_message_complete(self) -> None:
        """The request is whole."""
        if self._plain_left:
            return
        super().on_message_complete()
        self._stage, self._deadline = _Stage.NONE, None
        if self.cycle.response_complete:
            self._wait_for(self._limits.idle_seconds)

    # what uvicorn calls

    def on_response_complete(self) -> None:
        """Go on with the next request; read no more than waits already."""
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            return
        if self.pipeline:
            self._start(self.pipeline.pop()[0])
            return
        self.flow.resume_reading()
        if self._stage is _Stage.NONE:
            self._wait_for(self._limits.idle_seconds)

    def shutdown(self) -> None:
        """The server goes: the request at hand is the last, or one that comes at once. An answer
        that has begun without saying so is followed by another one."""
        if self.cycle is not None and not self.cycle.response_complete:
            self.cycle.keep_alive = self.cycle.response_started and self.cycle.keep_alive
        elif self._stage is _Stage.NONE:
            self._wait_for(_LEAVE_SECONDS)

    # what Connections calls

    def check(self, now: float) -> None:
        """End what takes too long."""
        if self.transport.is_closing():
            self._close_by = self._close_by or now + _LINGER_SECONDS
            if now > self._close_by:
                self.transport.abort()
        elif self._send_by is not None and now > self._send_by:
            self._connections.refused("send")
            self.transport.abort()
        elif self._deadline and now > self._deadline:
            self._expire(now)

    def waits(self) -> bool:
        """Whether nothing is being answered."""
        return not self._answers()

    def drop(self) -> None:
        """Make room for another client."""
        self.transport.abort()

    def _finish_scope(self) -> None:
        version, scope = self.parser.get_http_version(), self.scope
        if version != "1.1":
            scope["http_version"] = version
        scope["method"] = self.parser.get_method().decode("ascii")
        scope["path"], scope["raw_path"], scope["query_string"] = _target(self.url)

    def _exchange(self) -> Exchange:
        lasting = self.scope["http_version"] != "1.0" and self.parser.should_keep_alive()
        return Exchange(
            self.scope,
            self.transport,
            self.flow,
            self.logger,
            self.access_logger,
            self.access_log,
            self.server_state.default_headers,
            asyncio.Event(),
            self.expect_100_continue,
            lasting and not self._connections.leaving,
            self.on_response_complete,
        )

    def _start(self, exchange: RequestResponseCycle) -> None:
        task = self.loop.create_task(exchange.run_asgi(self.app))
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    def _answers(self) -> bool:
        whole = self._stage is _Stage.NONE or bool(self.pipeline)
        return self.cycle is not None and not self.cycle.response_complete and whole

    def _wait_for(self, seconds: float) -> None:
        """For the first byte of a request."""
        leaving = self._connections.leaving
        self._deadline = self.loop.time() + (min(seconds, _LEAVE_SECONDS) if leaving else seconds)

    def _read(self, part: bytes) -> None:
        self._passed = False
        in_body = self._stage is _Stage.BODY
        try:
            self.parser.feed_data(part)
        except httptools.HttpParserUpgrade as upgrade:
            self._deaf = True  # what follows the request is in another protocol
            self._read_plain(part[upgrade.args[0] :])
        except httptools.HttpParserError as error:
            if self._deaf:
                self._end_with_pipeline()
                return
            if self._fault is None:
                self._fault = (400, InvalidData("not an HTTP/1.1 request", given=error))
            self._refuse_fault()
            return
        if self._stage is not _Stage.BODY:
            # behind another request, the bytes of a new one are counted from the next read on
            other = in_body or self._passed
            self._head_bytes = 0 if other else self._head_bytes + len(part)
        elif in_body:
            self._wire_bytes += len(part)
            most = self._limits.header_bytes + _CHUNK_OVERHEAD * self._body_bytes
            trailers = len(self.headers) > self._limits.header_count  # they join the headers
            if trailers or self._wire_bytes > most:
                self._fault = self._header_fault()
                self._refuse_fault()

    def _end_with_pipeline(self) -> None:
        """More requests wait than may: those are answered, and the last one ends the connection.
        Were it ended at once, a client without manners would be back with as many at once."""
        self._connections.refused("pipelined")
        self.flow.pause_reading()
        newest, _ = self.pipeline[0]
        newest.keep_alive = False

    def _read_plain(self, data: bytes) -> None:
        """Part of the body of a request that asks for another protocol, as Java's client does with
        its first: the parser ends such a request with its headers."""
        if not self._plain_left:
            return
        body = data[: self._plain_left]
        self.on_body(body)
        self._plain_left -= len(body)
        if not self._plain_left:
            self.on_message_complete()

    def _expire(self, now: float) -> None:
        if self.flow.read_paused:  # it is the server that is slow
            self._deadline = now + 1.0
            return
        if self._stage is _Stage.NONE:
            self.transport.close()
            return
        if self._stage is _Stage.BODY:
            arrived = self._body_bytes - self._paid_bytes
            self._paid_bytes = self._body_bytes
            if arrived > self._limits.body_rate // 10:
                self._deadline = now + arrived / self._limits.body_rate
                return
        self._fault = (408, TemporaryError("the request took too long to arrive"))
        self._refuse_fault()

    def _refuse_fault(self) -> None:
        status, error = self._fault or (400, InvalidData("not an HTTP/1.1 request"))
        reasons = {408: "slow", 431: "headers"}
        self._connections.refused(reasons.get(status, "malformed"))
        self._deaf = True
        earlier = self.cycle if self._stage is not _Stage.BODY else None
        if self.transport.is_closing():
            return
        if self.pipeline or (earlier is not None and not earlier.response_complete):
            self.transport.close()  # a refusal would stand where an earlier answer belongs
            return
        if self._stage is _Stage.BODY:
            if self.cycle.response_started:
                self.transport.close()
                return
            self.cycle.disconnected = True  # the application is told that nobody waits
            self.cycle.message_event.set()
        self._refuse(status, error)

    def _refuse(self, status: int, error: MizzenError) -> None:
        self._deaf = True
        content = json.dumps({**error.as_dict(), "retryable": status == 503}).encode()
        again = b"retry-after: 1\r\n" if status == 503 else b""
        self.transport.write(
            STATUS_LINE[status]
            + b"content-type: application/json\r\nconnection: close\r\n"
            + again
            + f"content-length: {len(content)}\r\n\r\n".encode()
            + content
        )
        if not self.transport.can_write_eof():
            self.transport.close()
            return
        self.transport.write_eof()  # what the client still sends is read and forgotten
        self._stage, self._deadline = _Stage.NONE, self.loop.time() + _LINGER_SECONDS

    def _header_fault(self) -> tuple[int, MizzenError]:
        limits = self._limits
        return 431, InvalidData(
            "the request's headers are too large",
            allowed=f"{limits.header_bytes} bytes, {limits.header_count} headers",
            next_step="send less of them",
        )


@lru_cache(256)
def _target(url: bytes) -> tuple[str, bytes, bytes]:
    """Its path, decoded and as it stands, and its query. Most requests ask for a few targets."""
    parsed = httptools.parse_url(url)
    path = parsed.path.decode("ascii")
    return urllib.parse.unquote(path), parsed.path, parsed.query or b""


def _length_of(headers: list[tuple[bytes, bytes]]) -> int:
    """What Content-Length says; with another protocol asked for there are no chunks.

    Raises:
        ValueError: there are.
    """
    length = 0
    for name, value in headers:
        if name == b"transfer-encoding":
            raise ValueError("a body in chunks with an upgrade")
        if name == b"content-length":
            length = int(value)
    return length
