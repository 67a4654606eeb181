"""One request and its answer, as the application sees them.

Uvicorn checks and writes the head of each answer by itself, and the body after it, which is a
tenth of what a small answer costs. Most answers come whole, with the head of many before them:
that head was checked then, and goes with the body in one write.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, NamedTuple

from uvicorn.protocols.http.httptools_impl import (
    HEADER_RE,
    HEADER_VALUE_RE,
    STATUS_LINE,
    RequestResponseCycle,
)

_HEADS = 256  # that are kept; a head of an application's is a few hundred bytes
_WHOLE_BYTES = 65_536  # a larger body is not copied behind its head
_BODILESS = (204, 304)
Headers = tuple[tuple[bytes, bytes], ...]


class _Head(NamedTuple):
    """`lines`: those of the status and of the headers. `length`: what Content-Length says."""

    lines: bytes
    length: int
    closes: bool


class Exchange(RequestResponseCycle):
    """Uvicorn's, but what comes whole is written at once."""

    _head: _Head | None = None

    async def send(self, message: Any) -> None:
        """ASGI. An answer with a length is begun with the first part of its body, as ASGI wants
        it; one without may be a stream whose client waits for the head."""
        if self._head is None:
            if message["type"] != "http.response.start" or self.response_started:
                await super().send(message)
                return
            self._head, self._begun = self._usual_head(message), message
            if self._head is None:
                await super().send(message)
            return
        head, self._head = self._head, None
        if not self._is_whole(head, message):
            await super().send(self._begun)
            await super().send(message)
        elif not self.disconnected:
            self._write(head, message.get("body", b""))

    def _usual_head(self, start: Any) -> _Head | None:
        try:
            return _checked(start["status"], (*self.default_headers, *start["headers"]))
        except (KeyError, TypeError):  # for uvicorn to say
            return None

    def _is_whole(self, head: _Head, message: Any) -> bool:
        return (
            message["type"] == "http.response.body"
            and not message.get("more_body")
            and len(message.get("body", b"")) == head.length <= _WHOLE_BYTES
            and self.scope["method"] != "HEAD"
            and not self.flow.write_paused
        )

    def _write(self, head: _Head, body: bytes) -> None:
        self.response_started = self.response_complete = True
        self.waiting_for_100_continue = False
        self.keep_alive = self.keep_alive and not head.closes
        close = b"" if self.keep_alive or head.closes else b"connection: close\r\n"
        self.transport.write(b"%b%b\r\n%b" % (head.lines, close, body))
        self.message_event.set()
        if not self.keep_alive:
            self.transport.close()
        self.on_response()


@lru_cache(_HEADS)
def _checked(status: int, headers: Headers) -> _Head | None:
    """None for what is not usual: no length, or something that uvicorn has a word on."""
    lines, lengths, closes = [STATUS_LINE[status]], [], False
    for name, value in headers:
        if HEADER_RE.search(name) or HEADER_VALUE_RE.search(value):
            return None
        lower = name.lower()
        lines += [lower, b": ", value, b"\r\n"]
        if lower == b"transfer-encoding":
            return None
        if lower == b"content-length":
            lengths.append(value)
        if lower == b"connection":
            closes = closes or b"close" in [one.strip() for one in value.lower().split(b",")]
    if status in _BODILESS or len(lengths) != 1 or not lengths[0].isdigit():
        return None
    return _Head(b"".join(lines), int(lengths[0]), closes)
