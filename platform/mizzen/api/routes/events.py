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
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Header, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import StreamingResponse

from mizzen.api.access import Id, ProjectName, StateOf
from mizzen.api.instruments import Instruments
from mizzen.control.state.records import Change, RunRecord, document
from mizzen.errors import TemporaryError

router = APIRouter(tags=["runs"])
POLL_SECONDS, ALIVE_SECONDS = 0.5, 5.0
MOST = 100  # open streams; each asks the database every POLL_SECONDS
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
    last_event_id: Annotated[int, Header(ge=0, description="the last change that was seen")] = 0,
) -> Response:
    """Each change of a run and of its steps, until it has ended."""
    streams: Streams = request.app.state.streams

    async def look(after: int) -> tuple[RunRecord, list[Change]]:
        return await run_in_threadpool(state.runs.look, project, run, after)

    found, changes = await look(last_event_id)
    if found.state.ended and not changes:
        return Response(status_code=HTTPStatus.NO_CONTENT)
    told = streams.tell(look, last_event_id)
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return StreamingResponse(told, media_type="text/event-stream", headers=headers)


class Streams:
    """The open streams of a process; they end when it is told to stop."""

    def __init__(self, instruments: Instruments, stopping: asyncio.Event) -> None:
        self._gauge, self._stopping, self._open = instruments.streams, stopping, 0

    def tell(self, look: Look, after: int) -> AsyncIterator[str]:
        """The stream of what `look` finds after a change.

        Raises:
            TemporaryError: too many are open.
        """
        if self._open >= MOST:
            raise TemporaryError("too many streams are open", allowed=f"up to {MOST}")
        return self._counted(look, after)

    async def _counted(self, look: Look, after: int) -> AsyncIterator[str]:
        self._open += 1
        self._gauge.set(self._open)
        try:
            async for text in self._events(look, after):
                yield text
        finally:
            self._open -= 1
            self._gauge.set(self._open)

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
    return f"id: {change.number}\nevent: {kind}\ndata: {json.dumps(document(change))}\n\n"
