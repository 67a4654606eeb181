"""One server that is asked: kept connections, TLS, a proxy where the environment names one.

Redirects are not followed: what a request carries is for the address that was named.
"""

from __future__ import annotations

import http.client
import os
import ssl
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import IO
from urllib.parse import urlsplit

from mizzen.adapters.http.patience import Patience
from mizzen.adapters.http.proxies import Proxy, proxy_of

FAULTS = (OSError, http.client.HTTPException)
"""What a request raises that got no whole answer."""
_NO_HEADERS: Mapping[str, str] = {}
# By these a server says that nothing was done; by the others, that it may have been.
_NOT_DONE = frozenset({429, 503})
_AWAY = _NOT_DONE | {502, 504}
Body = bytes | IO[bytes] | Iterable[bytes] | None


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back, whatever its status."""

    status: int
    content: bytes
    headers: Mapping[str, str]

    @property
    def is_away(self) -> bool:
        """Whether the same request can help later."""
        return self.status in _AWAY


class HttpClient:
    """Threads may share it; a forked child makes connections of its own.

    Args:
        address: http or https, with a path in front of all others perhaps.
        headers: sent with every request.
        seconds: for a connection, and until each part of an answer.
        tls: for https; the system's authorities when None.
        proxied: through what HTTP_PROXY and its like name; never for this machine.
    """

    def __init__(
        self,
        address: str,
        *,
        headers: Mapping[str, str] = _NO_HEADERS,
        seconds: float = 75.0,
        tls: ssl.SSLContext | None = None,
        proxied: bool = False,
    ) -> None:
        parts = urlsplit(address)
        self._host, self._port, self._path = (
            parts.hostname or "",
            parts.port,
            parts.path.rstrip("/"),
        )
        self._headers, self._seconds = headers, seconds
        self._tls = (tls or ssl.create_default_context()) if parts.scheme == "https" else None
        self._proxy: Proxy | None = proxy_of(address) if proxied else None
        self._idle: list[tuple[int, http.client.HTTPConnection]] = []

    def send(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        headers: Mapping[str, str] = _NO_HEADERS,
        *,
        fresh: bool = False,
    ) -> Answer:
        """Ask once, on a kept connection where there is one; the server may have left it, so what
        must not be repeated asks for a `fresh` one. Raises one of FAULTS."""
        connection = self._new(self._seconds) if fresh else self._take()
        try:
            self._request(connection, method, path, body, headers)
            answer = connection.getresponse()
            content = answer.read()
        except BaseException:
            connection.close()
            raise
        if answer.will_close:
            connection.close()
        else:
            self._idle.append((os.getpid(), connection))
        return Answer(answer.status, content, dict(answer.headers))

    def ask(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        headers: Mapping[str, str] = _NO_HEADERS,
        *,
        patience: float = 0.0,
        once: bool = False,
    ) -> Answer:
        """Ask until somebody answers who is neither away nor busy, or patience is over.

        Args:
            patience: seconds.
            once: again only where it certainly was not done.

        Raises:
            FAULTS: of the last request, where it got no answer.
        """
        waiting = Patience(patience)
        while True:
            try:
                answer = self.send(method, path, body, headers, fresh=once)
            except FAULTS as error:
                if not _may_repeat(error, once) or not waiting.wait():
                    raise
                continue
            if answer.status not in (_NOT_DONE if once else _AWAY) or not waiting.wait():
                return answer

    def open(
        self,
        method: str,
        path: str,
        body: Body = None,
        headers: Mapping[str, str] = _NO_HEADERS,
        *,
        seconds: float | None = None,
    ) -> http.client.HTTPResponse:
        """An answer that is read as it comes, on a connection of its own; closing it ends both.
        Raises one of FAULTS."""
        connection = self._new(seconds or self._seconds)
        try:
            self._request(connection, method, path, body, {**headers, "Connection": "close"})
            return connection.getresponse()
        except BaseException:
            connection.close()
            raise

    def close(self) -> None:
        """Close the kept connections; another request opens one again."""
        while self._idle:
            self._idle.pop()[1].close()

    def _request(
        self,
        connection: http.client.HTTPConnection,
        method: str,
        path: str,
        body: Body,
        headers: Mapping[str, str],
    ) -> None:
        target, sent = self._path + path, {**self._headers, **headers}
        if self._proxy is not None and self._tls is None:
            target, sent = f"http://{self._authority}{target}", {**sent, **self._proxy.headers}
        connection.request(method, target, body, sent)

    @property
    def _authority(self) -> str:
        host = f"[{self._host}]" if ":" in self._host else self._host
        return host if self._port is None else f"{host}:{self._port}"

    def _take(self) -> http.client.HTTPConnection:
        while self._idle:
            process, connection = self._idle.pop()
            if process == os.getpid():
                return connection
        return self._new(self._seconds)

    def _new(self, seconds: float) -> http.client.HTTPConnection:
        host, port = self._host, self._port
        if self._proxy is not None:
            host, port = self._proxy.host, self._proxy.port
        if self._tls is None:
            return http.client.HTTPConnection(host, port, timeout=seconds)
        connection = http.client.HTTPSConnection(host, port, timeout=seconds, context=self._tls)
        if self._proxy is not None:
            connection.set_tunnel(self._host, self._port or 443, dict(self._proxy.headers))
        return connection


def _may_repeat(error: Exception, once: bool) -> bool:
    if isinstance(error, ssl.SSLCertVerificationError):
        return False  # it will not be trusted later either
    return not once or isinstance(error, ConnectionRefusedError)
