"""An answer that is written in one piece has the bytes that uvicorn would have written."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

from mizzen.adapters.uvicorn.exchange import Exchange

TEXT = (b"content-type", b"text/plain")
DATE = (b"date", b"Sat, 28 Nov 2026 08:00:00 GMT")
Messages = Sequence[dict[str, Any]]


class Line:
    """Keeps what is written; the other end of a connection."""

    def __init__(self) -> None:
        self.writes: list[bytes] = []
        self.closed = False

    def write(self, data: bytes) -> None:
        self.writes.append(bytes(data))

    def close(self) -> None:
        self.closed = True

    def is_closing(self) -> bool:
        return self.closed


class Spoken:
    """What an application's messages became."""

    def __init__(self, kind: type[RequestResponseCycle], **request: Any) -> None:
        self.line, self.answered, self.raised = Line(), 0, ""
        self._request = {"method": "GET", "keep_alive": True, "gone": False} | request
        self._kind = kind

    def say(self, messages: Messages) -> Spoken:
        asyncio.run(self._say(messages))
        return self

    @property
    def outcome(self) -> tuple[Any, ...]:
        return b"".join(self.line.writes), self.line.closed, self.answered, self.raised

    async def _say(self, messages: Messages) -> None:
        flow: Any = FlowControl(self.line)  # type: ignore[arg-type]
        quiet = logging.getLogger("quiet")
        scope: Any = {"type": "http", "method": self._request["method"], "headers": []}
        cycle = self._kind(
            scope, self.line, flow, quiet, quiet, False, [DATE], asyncio.Event(), False,
            self._request["keep_alive"], self._count,
        )  # type: ignore[arg-type]  # fmt: skip
        cycle.disconnected = self._request["gone"]
        try:
            for message in messages:
                await cycle.send(message)  # type: ignore[arg-type]
        except Exception as error:  # noqa: BLE001 - compared with what uvicorn raises
            self.raised = repr(error)

    def _count(self) -> None:
        self.answered += 1


def answer(status: int, headers: Any, *parts: bytes) -> Messages:
    begin = {"type": "http.response.start", "status": status, "headers": headers}
    last = len(parts) - 1
    bodies = [
        {"type": "http.response.body", "body": part, "more_body": n < last}
        for n, part in enumerate(parts)
    ]
    return [begin, *bodies]


def length(number: int) -> tuple[bytes, bytes]:
    return (b"Content-Length", b"%d" % number)


headers = st.lists(
    st.sampled_from(
        [
            TEXT, (b"X-One", b"1"), (b"connection", b"close"), (b"Connection", b"a, Close"),
            (b"connection", b"closed"), length(0), length(3), length(4), (b"content-length", b"x"),
            (b"transfer-encoding", b"chunked"), (b"x y", b"1"), (b"x", b"1\r\nset-cookie: a"),
            [b"x-list", b"1"],
        ]
    ),
    max_size=4,
)  # fmt: skip
parts = st.lists(st.sampled_from([b"", b"abc", b"abcd"]), min_size=1, max_size=3)


@given(
    st.sampled_from([200, 204, 304, 404, 503]),
    headers,
    parts,
    st.fixed_dictionaries(
        {
            "method": st.sampled_from(["GET", "POST", "HEAD"]),
            "keep_alive": st.booleans(),
            "gone": st.booleans(),
        }
    ),
)
def test_an_answer_has_the_bytes_and_the_errors_of_uvicorns(
    status: int, headers: Any, parts: list[bytes], request: dict[str, Any]
) -> None:
    messages = answer(status, headers, *parts)
    ours = Spoken(Exchange, **request).say(messages).outcome
    theirs = Spoken(RequestResponseCycle, **request).say(messages).outcome
    assert ours == theirs


def test_a_small_answer_is_one_write_and_a_large_one_is_not_copied() -> None:
    small = Spoken(Exchange).say(answer(200, [TEXT, length(3)], b"abc"))
    assert len(small.line.writes) == 1
    large = bytes(1_000_000)
    written = Spoken(Exchange).say(answer(200, [TEXT, length(len(large))], large)).line.writes
    assert written[-1] == large


def test_a_stream_begins_before_there_is_anything_to_send() -> None:
    begun = Spoken(Exchange).say(answer(200, [(b"content-type", b"text/event-stream")]))
    assert begun.line.writes[0].startswith(b"HTTP/1.1 200 OK\r\n")
