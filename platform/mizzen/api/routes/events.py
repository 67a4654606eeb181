"""The changes of a run as they come, as server-sent events.

An event's id is the number of the change. A client that lost its stream sends it back as
`Last-Event-ID` to whichever server is there: nothing is kept between the two but the state. The
stream ends with the run; asked again after its last change, the answer is 204, at which browsers
too stop asking.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Header, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import StreamingResponse

from mizzen.api.auth import Id, ProjectName, StateOf
from mizzen.api.checks import LARGEST
from mizzen.api.metrics import Instruments
from mizzen.errors import TemporaryError
from mizzen.state.records import Change, RunRecord, to_jsonable

router = APIRouter(tags=["runs"])
POLL_SECONDS, ALIVE_SECONDS = 0.5, 5.0
MOST = 100  # open streams; each asks the database every POLL_SECONDS
MOST_OF_ONE = 50  # of one client's address
_ALIVE = ": nothing new\n\n"
Look = Callable[[int], Awaitable[tuple[RunRecord, list[Change]]]]


@router.get(
    "/projects/{project}/runs/{run}/events",
    response_class=StreamingResponse,
    responses={
        200: {"content": {"text/event-stream": {}}, "description": "`Change` documents"},
        204: {"description": "the run has ended, and nothing came after that change"},
    },
)
async def follow_run(
    request: Request,
    state: StateOf,
    project: ProjectName,
    run: Id,
    last_event_id: Annotated[
        int, Header(ge=0, le=LARGEST, description="the last change that was seen")
    ] = 0,
) -> Response:
    """Each change of a run and of its steps, until it has ended."""
    streams: Streams = request.app.state.streams

    async def look(after: int) -> tuple[RunRecord, list[Change]]:
        return await run_in_threadpool(state.runs.look, project, run, after)

    found, changes = await look(last_event_id)
    if found.state.ended and not changes:
        return Response(status_code=HTTPStatus.NO_CONTENT)
    peer = request.client.host if request.client else ""
    client = request.app.state.proxies.client(peer, request.headers.raw)
    told = streams.tell(look, last_event_id, client)
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return StreamingResponse(told, media_type="text/event-stream", headers=headers)


class Streams:
    """The open streams of a process; they end when it is told to stop."""

    def __init__(self, instruments: Instruments, stopping: asyncio.Event) -> None:
        self._gauge, self._stopping = instruments.streams, stopping
        self._open: Counter[str] = Counter()

    def tell(self, look: Look, after: int, client: str) -> AsyncIterator[str]:
        """The stream of what `look` finds after a change, for the client of this address.

        Raises:
            TemporaryError: too many are open, in all or from there.
        """
        if self._open.total() >= MOST:
            raise TemporaryError("too many streams are open", allowed=f"up to {MOST}")
        if self._open[client] >= MOST_OF_ONE:
            raise TemporaryError(
                "too many streams are open from one address", allowed=f"up to {MOST_OF_ONE}"
            )
        return self._counted(look, after, client)

    async def _counted(self, look: Look, after: int, client: str) -> AsyncIterator[str]:
        self._count(client, 1)
        try:
            async for text in self._events(look, after):
                yield text
        finally:
            self._count(client, -1)

    def _count(self, client: str, change: int) -> None:
        self._open[client] += change
        if not self._open[client]:
            del self._open[client]
        self._gauge.set(self._open.total())

    async def _events(self, look: Look, after: int) -> AsyncIterator[str]:
        said, ended = time.monotonic(), False
        while not ended and not self._stopping.is_set():
            found: list[Change] = []
            with suppress(TemporaryError):  # a database that restarts breaks no stream
                run, found = await look(after)
                ended = run.state.ended
            for change in found:
                after, said = change.number, time.monotonic()
                yield _event(change)
            if time.monotonic() - said >= ALIVE_SECONDS:
                said = time.monotonic()
                yield _ALIVE
            if not ended:
                await asyncio.sleep(POLL_SECONDS)


def _event(change: Change) -> str:
    kind = "run" if change.step is None else "step"
    return f"id: {change.number}\nevent: {kind}\ndata: {json.dumps(to_jsonable(change))}\n\n"
