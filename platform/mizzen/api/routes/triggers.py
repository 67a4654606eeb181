"""Events that ask for a retraining, and how far a schedule was answered."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Header, Path, Query, Response
from pydantic import StringConstraints

from mizzen.api.auth import ProjectName, StateOf
from mizzen.api.bodies import StrictRoute
from mizzen.api.checks import keepable
from mizzen.state.records import RequestCause, RequestRecord, ScheduleRecord
from mizzen.state.triggers import KEY, REASON

router = APIRouter(tags=["retraining"], prefix="/projects/{project}", route_class=StrictRoute)
MOST = 1000


@dataclass(frozen=True, slots=True)
class Wish:
    """Why a retraining is asked for. The guard refuses a cause that the project does not list in
    `retraining.triggers`; `person` it takes for one who has looked."""

    cause: RequestCause
    reason: Annotated[str, StringConstraints(max_length=REASON)] = ""


@dataclass(frozen=True, slots=True)
class AnsweredUntil:
    """A schedule, and up to when its starts were answered."""

    cron: Annotated[str, StringConstraints(max_length=200)]
    zone: Annotated[str, StringConstraints(max_length=64)]
    since: datetime


@router.post(
    "/retraining-requests",
    responses={HTTPStatus.ACCEPTED: {"model": RequestRecord, "description": "it waits"}},
)
def request_retraining(
    state: StateOf,
    project: ProjectName,
    told: Wish,
    response: Response,
    key: Annotated[
        str,
        Header(
            alias="Idempotency-Key",
            pattern=KEY,
            description="id of the event, such as a commit's hash: the same key is the same "
            "request, however often it is sent",
        ),
    ],
) -> RequestRecord:
    """Ask for a retraining. The next round of the controller answers it through the guard: 202
    while it waits, 200 with the decision once it is decided."""
    keepable(told)
    found = state.triggers.request(project, key, told.cause, told.reason)
    waiting = found.decision is None
    response.status_code = HTTPStatus.ACCEPTED if waiting else HTTPStatus.OK
    return found


@router.get("/retraining-requests")
def list_requests(
    state: StateOf,
    project: ProjectName,
    limit: Annotated[int, Query(ge=1, le=MOST)] = 50,
    waiting: bool = False,
) -> list[RequestRecord]:
    """The newest requests, the last one first; `waiting`: those that nobody answered yet."""
    return state.triggers.requests(project, limit, waiting=waiting)


@router.get("/retraining-requests/{key}")
def get_request(
    state: StateOf, project: ProjectName, key: Annotated[str, Path(pattern=KEY)]
) -> RequestRecord:
    """What was asked under a key: `waiting`, or `decided` with rule, reason and run."""
    return state.triggers.get_request(project, key)


@router.get("/schedule")
def get_schedule(state: StateOf, project: ProjectName) -> ScheduleRecord | None:
    """How far the project's schedule was answered; null where nobody looked at one."""
    return state.triggers.schedule(project)


@router.put("/schedule", status_code=204)
def keep_schedule(state: StateOf, project: ProjectName, told: AnsweredUntil) -> None:
    """Keep how far a schedule was answered; of the same schedule the later `since` stays."""
    keepable(told)
    state.triggers.keep_schedule(ScheduleRecord(project, told.cron, told.zone, told.since))


@router.delete("/schedule", status_code=204)
def drop_schedule(state: StateOf, project: ProjectName) -> None:
    """The project has no schedule any more."""
    state.triggers.drop_schedule(project)
