"""Requests to a gateway's port on the node, over HTTP or TLS, as somebody outside sends them."""

from __future__ import annotations

import http.client
import json
import socket
import ssl
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any

TIMEOUT_S = 10.0


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    body: str
    headers: Mapping[str, str]

    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True, slots=True)
class Door:
    """One listener of a gateway. With `authority` (a file) it is spoken to over TLS, as `name`."""

    host: str
    port: int
    headers: Mapping[str, str] = field(default_factory=dict)
    name: str = ""
    authority: str = ""

    def ask(self, path: str, method: str = "GET", body: object = None, **headers: str) -> Answer:
        """Raises OSError when nobody answers."""
        sent = {**self.headers, **headers}
        if self.name:
            sent["Host"] = self.name
        content = None
        if body is not None:
            content, sent["Content-Type"] = json.dumps(body).encode(), "application/json"
        try:
            with closing(self._connection()) as connection:
                connection.request(method, path, content, sent)
                answer = connection.getresponse()
                return Answer(answer.status, answer.read().decode(), dict(answer.getheaders()))
        except http.client.HTTPException as error:
            raise OSError(f"no answer: {error!r}") from error

    def _connection(self) -> http.client.HTTPConnection:
        if not self.authority:
            return http.client.HTTPConnection(self.host, self.port, timeout=TIMEOUT_S)
        context = ssl.create_default_context(cafile=self.authority)
        connection = http.client.HTTPSConnection(self.host, self.port, context=context)
        # the name that the certificate speaks for is nobody's address here
        plain = socket.create_connection((self.host, self.port), TIMEOUT_S)
        connection.sock = context.wrap_socket(plain, server_hostname=self.name)
        return connection
