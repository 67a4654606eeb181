"""Around every request: its id, its size, what it cost. Plain ASGI, since streams pass through."""

from __future__ import annotations

import json
import logging
import re
import secrets
import time
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from mizzen.api.auth import PRINCIPAL
from mizzen.api.error_responses import TooLarge, answer
from mizzen.api.metrics import Instruments
from mizzen.api.settings import Tokens
from mizzen.errors import MizzenError

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Message, Receive, Send], Awaitable[None]]

logger = logging.getLogger("mizzen.api.auth")
faults = logging.getLogger("mizzen.api")
_ID = re.compile(rb"[A-Za-z0-9._-]{1,64}")
_SILENT = {"/healthz", "/readyz", "/metrics"}  # asked every few seconds
_GONE = 499  # written to the log; nobody gets it
_PATIENCE = 4  # times the limit are read and thrown away, so that the refusal can be read


class ClientGone(Exception):
    """The client went away before its request was whole: there is nobody to answer."""


class RequestMiddleware:
    """The outermost layer."""

    def __init__(
        self, app: App, instruments: Instruments, largest: int, tokens: Tokens, guarded: str
    ) -> None:
        self._app, self._instruments, self._largest = app, instruments, largest
        self._tokens, self._guarded = tokens, guarded

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        letter = _ResponseRecorder(scope, send)
        began = time.perf_counter()
        self._instruments.in_flight.inc()
        try:
            # a body is read for those who may send one; the route refuses the others
            content = await self._content(receive) if self._identify(scope) else b""
            await self._app(scope, _again(content, receive), letter.send)
        except TooLarge as error:
            await answer(error)(scope, receive, letter.send)
        except ClientGone:
            letter.status = _GONE
        except Exception:
            faults.exception("request %s failed", letter.id)
            if letter.status:  # an answer that has begun cannot be taken back
                raise
            unforeseen = MizzenError("an unexpected error", given=f"request {letter.id}")
            await answer(unforeseen)(scope, receive, letter.send)
        finally:
            self._instruments.in_flight.dec()
            self._tell(scope, letter, time.perf_counter() - began)

    def _identify(self, scope: Message) -> bool:
        """Leave with a request who sends it; whether its body is to be read."""
        if not scope["path"].startswith(self._guarded):
            return True
        given = [value for name, value in scope["headers"] if name == b"authorization"]
        kind, _, token = (given[0] if given else b"").decode("latin-1").partition(" ")
        found = self._tokens.find(token.strip()) if kind.lower() == "bearer" else None
        scope[PRINCIPAL] = found
        return found is not None

    async def _content(self, receive: Receive) -> bytes:
        parts, size, more = [], 0, True
        while more:
            message = await receive()
            if message["type"] != "http.request":
                raise ClientGone
            part = message.get("body", b"")
            size, more = size + len(part), message.get("more_body", False)
            if size <= self._largest:
                parts.append(part)
            elif size > self._largest * _PATIENCE:
                break
        if size > self._largest:
            raise TooLarge(
                "the request is too large",
                given=f"{size} bytes" if not more else f"more than {size} bytes",
                allowed=f"up to {self._largest} bytes",
            )
        return b"".join(parts)

    def _tell(self, scope: Message, letter: _ResponseRecorder, seconds: float) -> None:
        # with or without the prefix, as the framework's version has it
        route = getattr(scope.get("route"), "path", "none").removeprefix("/api/v1")
        self._instruments.request(scope["method"], route, letter.status, seconds)
        if route not in _SILENT:
            told = {
                "request": letter.id,
                "by": getattr(scope.get(PRINCIPAL), "name", None),
                "method": scope["method"],
                "path": scope["path"],
                "status": letter.status,
                "seconds": round(seconds, 4),
            }
            logger.info(json.dumps(told))


class _ResponseRecorder:
    """One answer on its way: gets the request's id, and remembers its status."""

    def __init__(self, scope: Message, send: Send) -> None:
        asked = dict(scope["headers"]).get(b"x-request-id", b"")
        self.id = asked.decode() if _ID.fullmatch(asked) else secrets.token_hex(8)
        self.status, self._send = 0, send
        scope["mizzen.request"] = self.id

    async def send(self, message: Message) -> None:
        """Pass a part on."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            message["headers"] = [*message.get("headers", []), (b"x-request-id", self.id.encode())]
        await self._send(message)


def _again(content: bytes, receive: Receive) -> Receive:
    """The body that was read already, then whatever follows it (that the client went away)."""
    told = False

    async def replay() -> Message:
        nonlocal told
        if told:
            return await receive()
        told = True
        return {"type": "http.request", "body": content, "more_body": False}

    return replay
