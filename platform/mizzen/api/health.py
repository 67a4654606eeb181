"""Whether the process lives, whether it can answer, what it measured. No token is asked."""

from __future__ import annotations

import threading
import time
from http import HTTPStatus
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse

from mizzen import __version__
from mizzen.api.error_responses import answer
from mizzen.api.metrics import CONTENT_TYPE, Instruments
from mizzen.core.problem import Problem
from mizzen.errors import IntegrityError, MizzenError, TemporaryError
from mizzen.state.sql_state import SqlState

router = APIRouter(tags=["health"])
_PATIENCE = 2.0  # with somebody else who asks it already
_SECONDS = 1.0  # how long an answer about the database holds, however many ask


class Readiness:
    """Whether this process can use its database: reached, with tables that fit."""

    def __init__(self, state: SqlState, instruments: Instruments) -> None:
        self._state, self._instruments = state, instruments
        self._lock, self._asked, self._fault = threading.Lock(), -_SECONDS, _unknown()
        self.tables: str | None = None

    def fault(self) -> MizzenError | None:
        """Why it cannot, or None."""
        if not self._lock.acquire(timeout=_PATIENCE):
            return TemporaryError("the database is there, and does not answer")
        try:
            if time.monotonic() - self._asked >= _SECONDS:
                self._fault = self._ask()
                self._asked = time.monotonic()
                self._instruments.ready.set(self._fault is None)
            return self._fault
        finally:
            self._lock.release()

    def _ask(self) -> MizzenError | None:
        try:
            self.tables = self._state.about().tables
        except MizzenError as error:
            return error
        return None


async def usable(request: Request) -> None:
    """Refuse what cannot be answered as long as the tables are those of another Mizzen. A database
    that is away is found out by whoever asks it.

    Raises:
        TemporaryError: the migration is still to come; then the same request is answered.
    """
    readiness: Readiness = request.app.state.readiness
    if readiness.tables is None:
        fault = await run_in_threadpool(readiness.fault)
        if fault is not None:
            raise TemporaryError(
                fault.message, given=fault.given, allowed=fault.allowed, next_step=fault.next_step
            )


@router.get("/healthz")
async def healthz() -> dict[str, str]:
    """The process lives. Needs no thread, all of which may be waiting for a database."""
    return {"status": "ok", "version": __version__}


@router.get(
    "/readyz", responses={503: {"model": Problem, "description": "not ready, with the reason"}}
)
def readyz(request: Request) -> JSONResponse:
    """The database can be reached and its tables fit; 503 and the reason if not."""
    readiness: Readiness = request.app.state.readiness
    if request.app.state.stopping.is_set():
        return answer(TemporaryError("the server is about to go"))
    fault = readiness.fault()
    if fault is None:
        told: dict[str, Any] = {"ready": True, "version": __version__, "tables": readiness.tables}
        return JSONResponse(told)
    # who asks carries no token: where the database is stays unsaid
    given = fault.given if isinstance(fault, IntegrityError) else None
    shown = type(fault)(fault.message, given=given, allowed=fault.allowed)
    return answer(shown, HTTPStatus.SERVICE_UNAVAILABLE)


@router.get("/metrics", response_class=Response, responses={200: {"content": {"text/plain": {}}}})
def metrics(request: Request) -> Response:
    """For Prometheus."""
    return Response(request.app.state.instruments.page(), media_type=CONTENT_TYPE)


def _unknown() -> MizzenError | None:
    return TemporaryError("nobody has asked yet")
