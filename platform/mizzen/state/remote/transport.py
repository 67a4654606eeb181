"""How the control API is reached: kept connections, TLS, the token. One request, one answer."""

from __future__ import annotations

import http.client
import ipaddress
import logging
import os
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from mizzen.errors import UserError
from mizzen.spec.profile import Control

logger = logging.getLogger("mizzen.control")
SECONDS = 75.0  # above the limits of the server, so that its words arrive


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back, whatever its status."""

    status: int
    content: bytes
    headers: Mapping[str, str]


class Transport:
    """One API. Threads may share it; a forked child makes connections of its own."""

    def __init__(self, control: Control) -> None:
        parts = urlsplit(control.url or "")
        if parts.scheme not in {"http", "https"} or parts.hostname is None or "@" in parts.netloc:
            raise UserError(
                "`control.url` of the profile is no address of a control API",
                given=control.url if "@" not in parts.netloc else "an address with credentials",
                allowed="https://HOST, or http://HOST:PORT",
            )
        self._host, self._port, self._path = parts.hostname, parts.port, parts.path.rstrip("/")
        self._token = _token(control)
        self._tls = _tls(control) if parts.scheme == "https" else None
        self._idle: list[tuple[int, http.client.HTTPConnection]] = []
        if self._tls is None and not _is_local(parts.hostname):
            logger.warning("warning: the token travels unencrypted to %s; use https", self._host)

    def send(
        self,
        method: str,
        path: str,
        body: bytes | None,
        headers: Mapping[str, str],
        *,
        fresh: bool = False,
    ) -> Answer:
        """Ask once, on a kept connection where there is one; the server may have left it, so what
        must not be repeated asks for a `fresh` one."""
        connection = self._new(SECONDS) if fresh else self._take()
        try:
            connection.request(method, self._path + path, body, self._with_token(headers))
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

    def open(
        self, path: str, headers: Mapping[str, str], seconds: float
    ) -> http.client.HTTPResponse:
        """An answer that is read as it comes, on a connection of its own; closing it ends both."""
        connection = self._new(seconds)
        try:
            headers = {**headers, "Connection": "close"}
            connection.request("GET", self._path + path, None, self._with_token(headers))
            return connection.getresponse()
        except BaseException:
            connection.close()
            raise

    def _with_token(self, headers: Mapping[str, str]) -> dict[str, str]:
        return {**headers, "Authorization": f"Bearer {self._token}"}

    def _take(self) -> http.client.HTTPConnection:
        while self._idle:
            process, connection = self._idle.pop()
            if process == os.getpid():
                return connection
        return self._new(SECONDS)

    def _new(self, seconds: float) -> http.client.HTTPConnection:
        if self._tls is None:
            return http.client.HTTPConnection(self._host, self._port, timeout=seconds)
        return http.client.HTTPSConnection(
            self._host, self._port, timeout=seconds, context=self._tls
        )


def _token(control: Control) -> str:
    token = os.environ.get(control.token_env, "").strip()
    if not token or not token.isascii() or not token.isprintable():
        raise UserError(
            "there is no token for the control API",
            given=f"{control.token_env} is not set" if not token else "a token with odd characters",
            allowed=f"the bearer token in the environment variable {control.token_env}",
            next_step="ask whoever runs the platform: it is in the Secret mizzen-api-token",
        )
    return token


def _tls(control: Control) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=control.ca_file)
    except OSError as error:
        raise UserError(
            "`control.ca_file` of the profile cannot be read",
            given=f"{control.ca_file}: {error}",
            allowed="a file with certificates in PEM",
        ) from None


def _is_local(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
