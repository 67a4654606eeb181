"""Questions to the control API, with patience: every verb may be repeated, so a lost answer, a
server that is replaced or a database that restarts costs time and nothing else."""

from __future__ import annotations

import http.client
import json
import ssl
import time
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlencode

from mizzen.errors import MizzenError, TemporaryError, UserError, from_dict
from mizzen.spec.profile import Control
from mizzen.state.records import new_key, to_jsonable
from mizzen.state.remote.transport import Answer, Transport

READ_SECONDS, WRITE_SECONDS = 10.0, 90.0  # a run that cannot write its state waits; people do not
STREAM_SECONDS = 30.0  # a stream says something more often
_FIRST_PAUSE, _LONGEST_PAUSE = 0.05, 2.0
_NOT_DONE = frozenset({429, 503})
_NO_HEADERS: Mapping[str, str] = {}
_JSON = {"Content-Type": "application/json"}
_AWAY = frozenset({429, 502, 503, 504})


class Connection:
    """One control API."""

    def __init__(self, control: Control) -> None:
        self._control, self._transport = control, Transport(control)

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
        patience = _Patience(WRITE_SECONDS)
        while True:
            try:
                with self._stream(path, after) as stream:
                    if stream.status == http.HTTPStatus.NO_CONTENT:
                        return
                    for event in _events(stream):
                        patience = _Patience(WRITE_SECONDS)
                        after = after if event is None else event[0]
                        yield event
            except (OSError, http.client.HTTPException, TemporaryError) as error:
                patience.wait(self._away(error))
            yield None

    def _stream(self, path: str, after: int) -> http.client.HTTPResponse:
        headers = {"Accept": "text/event-stream", "Last-Event-ID": str(after)}
        stream = self._transport.open(_rooted(path), headers, STREAM_SECONDS)
        if stream.status >= http.HTTPStatus.BAD_REQUEST:
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
        waiting = _Patience(patience)
        while True:
            try:
                answer = self._transport.send(method, _rooted(path), body, headers, fresh=once)
            except ssl.SSLCertVerificationError as error:
                raise self._untrusted(error) from None
            except (OSError, http.client.HTTPException) as error:
                if once and not isinstance(error, ConnectionRefusedError):
                    raise self._away(error) from None
                waiting.wait(self._away(error))
                continue
            if answer.status < http.HTTPStatus.BAD_REQUEST:
                return answer
            fault = self._error(answer)
            if answer.status not in (_NOT_DONE if once else _AWAY):
                raise fault
            waiting.wait(fault)

    def _error(self, answer: Answer) -> MizzenError:
        if answer.status == http.HTTPStatus.UNAUTHORIZED:
            return UserError(
                "the control API refuses the token",
                given=f"the one in {self._control.token_env}",
                next_step="ask whoever runs the platform for the one that counts now",
            )
        otherwise = TemporaryError if answer.status in _AWAY else MizzenError
        try:
            told = json.loads(answer.content)
        except ValueError:
            told = None
        if not isinstance(told, dict):  # something between us and the API answered
            told = {"message": f"{self._control.url} answered {answer.status}"}
        return from_dict(told, otherwise)

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


class _Patience:
    """Growing pauses, until it is over."""

    def __init__(self, seconds: float) -> None:
        self._until, self._pause = time.monotonic() + seconds, _FIRST_PAUSE

    def wait(self, error: MizzenError) -> None:
        """Pause, or raise the error."""
        if time.monotonic() + self._pause > self._until:
            raise error
        time.sleep(self._pause)
        self._pause = min(self._pause * 2, _LONGEST_PAUSE)


def _rooted(path: str) -> str:
    return f"/api/v1{path}"


def _body(value: Any) -> bytes | None:
    return None if value is None else json.dumps(to_jsonable(value)).encode()


def _json(answer: Answer) -> Any:
    return json.loads(answer.content) if answer.content else None


def _events(stream: http.client.HTTPResponse) -> Iterator[tuple[int, Any] | None]:
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
