"""Questions to the control API, with patience: every verb may be repeated, so a lost answer, a
server that is replaced or a database that restarts costs time and nothing else."""

from __future__ import annotations

import json
import ssl
from collections.abc import Iterator, Mapping
from http import HTTPStatus
from http.client import HTTPResponse
from typing import Any
from urllib.parse import urlencode

from mizzen.adapters.http.client import FAULTS, Answer
from mizzen.adapters.http.patience import Patience
from mizzen.core.problem import error_of
from mizzen.errors import MizzenError, TemporaryError, UserError
from mizzen.spec.profile import Control
from mizzen.state.records import new_key, to_jsonable
from mizzen.state.remote.transport import client_of

READ_SECONDS, WRITE_SECONDS = 10.0, 90.0  # a run that cannot write its state waits; people do not
STREAM_SECONDS = 30.0  # a stream says something more often
_NO_HEADERS: Mapping[str, str] = {}
_JSON = {"Content-Type": "application/json"}


class Connection:
    """One control API."""

    def __init__(self, control: Control) -> None:
        self._control, self._client = control, client_of(control)

    def get(self, path: str, **query: Any) -> Any:
        """The document at a path."""
        wanted = {name: value for name, value in query.items() if value is not None}
        return _json(self._ask("GET", f"{path}?{urlencode(wanted)}" if wanted else path))

    def download(self, path: str) -> bytes:
        """The bytes at a path."""
        return self._ask("GET", path).content

    def write(self, method: str, path: str, value: Any = None) -> Any:
        """Send a document; again until it is answered."""
        return _json(self._ask(method, path, _body(value), _JSON))

    def command(self, path: str, value: Any, key: str | None) -> Any:
        """Send a command that is done once for each key; again until it is answered."""
        headers = {**_JSON, "Idempotency-Key": key or new_key()}
        return _json(self._ask("POST", path, _body(value), headers))

    def upload(self, path: str, content: bytes) -> None:
        """Send bytes; again until it is answered."""
        self._ask("PUT", path, content, {"Content-Type": "application/octet-stream"})

    def ask_once(self, path: str, value: Any) -> Any:
        """Send what must not be done twice: again only if it certainly was not done."""
        return _json(self._ask("POST", path, _body(value), _JSON, once=True))

    def events(self, path: str, after: int) -> Iterator[tuple[int, Any] | None]:
        """Server-sent events after the one with the id `after`, as (id, document), from as many
        streams as it takes; None whenever nothing came. Ends where the server says so."""
        patience = Patience(WRITE_SECONDS)
        while True:
            try:
                with self._stream(path, after) as stream:
                    if stream.status == HTTPStatus.NO_CONTENT:
                        return
                    for event in _events(stream):
                        patience = Patience(WRITE_SECONDS)
                        after = after if event is None else event[0]
                        yield event
            except (*FAULTS, TemporaryError) as error:
                if not patience.wait():
                    raise self._away(error) from None
            yield None

    def _stream(self, path: str, after: int) -> HTTPResponse:
        headers = {"Accept": "text/event-stream", "Last-Event-ID": str(after)}
        stream = self._client.open("GET", _rooted(path), headers=headers, seconds=STREAM_SECONDS)
        if stream.status >= HTTPStatus.BAD_REQUEST:
            with stream:
                raise self._error(Answer(stream.status, stream.read(), {}))
        return stream

    def _ask(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        headers: Mapping[str, str] = _NO_HEADERS,
        once: bool = False,
    ) -> Answer:
        patience = READ_SECONDS if method == "GET" or once else WRITE_SECONDS
        try:
            answer = self._client.ask(
                method, _rooted(path), body, headers, patience=patience, once=once
            )
        except ssl.SSLCertVerificationError as error:
            raise self._untrusted(error) from None
        except FAULTS as error:
            raise self._away(error) from None
        if answer.status >= HTTPStatus.BAD_REQUEST:
            raise self._error(answer)
        return answer

    def _error(self, answer: Answer) -> MizzenError:
        if answer.status == HTTPStatus.UNAUTHORIZED:
            return UserError(
                "the control API refuses the token",
                given=f"the one in {self._control.token_env}",
                next_step="ask whoever runs the platform for the one that counts now",
            )
        otherwise = TemporaryError if answer.is_away else MizzenError
        try:
            told = json.loads(answer.content)
        except ValueError:
            told = None
        if not isinstance(told, dict):  # something between us and the API answered
            told = {"detail": f"{self._control.url} answered {answer.status}"}
        return error_of(told, otherwise)

    def _away(self, error: Exception) -> TemporaryError:
        if isinstance(error, TemporaryError):
            return error
        return TemporaryError(
            "the control API does not answer",
            given=f"{self._control.url}: {error or type(error).__name__}",
            next_step="see that it runs (mizzen doctor), or fix `control.url` in the profile",
        )

    def _untrusted(self, error: ssl.SSLCertVerificationError) -> UserError:
        return UserError(
            "the certificate of the control API is not trusted",
            given=f"{self._control.url}: {error.verify_message}",
            next_step="name the certificate of its authority in `control.ca_file` of the profile",
        )


def connect(control: Control) -> Connection:
    """A connection to the API of a profile; opened with the first question.

    Raises:
        UserError: its address, token or certificate file does not fit.
    """
    return Connection(control)


def _rooted(path: str) -> str:
    return f"/api/v1{path}"


def _body(value: Any) -> bytes | None:
    return None if value is None else json.dumps(to_jsonable(value)).encode()


def _json(answer: Answer) -> Any:
    return json.loads(answer.content) if answer.content else None


def _events(stream: HTTPResponse) -> Iterator[tuple[int, Any] | None]:
    number, data = 0, ""
    for raw in stream:
        line = raw.decode("utf-8").rstrip("\n")
        name, _, value = line.partition(": ")
        if name == "id":
            number = int(value)
        elif name == "data":
            data = value
        elif not line and data:
            yield number, json.loads(data)
            data = ""
        elif line.startswith(":"):
            yield None
