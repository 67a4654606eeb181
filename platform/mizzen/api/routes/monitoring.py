"""Watched windows, decisions about retraining, and what is served."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from pydantic import AwareDatetime, StringConstraints

from mizzen.api.auth import ID, Id, IdempotencyKey, ProjectName, StateOf
from mizzen.api.bodies import StrictRoute
from mizzen.api.checks import LARGEST, keepable, same
from mizzen.api.pages import AfterNumber, Limit, lead_on
from mizzen.state.records import (
    DecisionRecord,
    Lease,
    RetrainingRecord,
    ServedVersion,
    WindowRecord,
    new_key,
)

router = APIRouter(tags=["watching"], prefix="/projects/{project}", route_class=StrictRoute)
MOST = 10_000
Newest = Annotated[int | None, Query(ge=1, le=MOST)]
AfterId = Annotated[str | None, StringConstraints(pattern=ID)]


@dataclass(frozen=True, slots=True)
class Window:
    """What a job found in a window of predictions; see `WindowRecord`."""

    start: datetime | None
    end: datetime
    version: int
    kind: str
    alarm: bool
    figures: Mapping[str, Any]
    report: str | None
    at: datetime


@dataclass(frozen=True, slots=True)
class GuardDecision:
    """The guard's answer to a wish to retrain; see `DecisionRecord`. `at`: the trigger's time,
    which in a replay is the data's. `alarm`: the window that it answers, which no other decision
    answers after it. `lease`: of the controller that decides, which has to lead still."""

    trigger_id: str
    cause: str
    go: bool
    rule: str
    reason: str
    not_before: datetime | None
    at: datetime
    run: str | None = None
    alarm: str | None = None
    lease: Lease | None = None


@router.get("/windows")
def list_windows(
    request: Request,
    response: Response,
    state: StateOf,
    project: ProjectName,
    pending: bool = False,
    newest: Newest = None,
    kind: Annotated[str | None, Query(max_length=20)] = None,
    version: Annotated[int | None, Query(ge=0, le=LARGEST)] = None,
    after: Annotated[AfterId, Query(description="the last window that was seen")] = None,
    limit: Limit = 100,
) -> list[WindowRecord]:
    """A page of the watched windows, of a kind and version, oldest first. `pending`: alarms about
    the champion that no decision answered yet; `newest`: so many, the one that ended last first."""
    if pending:
        return state.monitoring.pending_alarms(project)
    if newest is not None:
        return state.monitoring.newest_windows(project, newest, kind=kind, version=version)
    found = state.monitoring.all_windows(
        project, kind=kind, version=version, after=after, limit=limit
    )
    return lead_on(request, response, found, limit, "id")


@router.put("/windows/{window}", status_code=204)
def add_window(state: StateOf, project: ProjectName, window: Id, told: Window) -> None:
    """Keep what a window showed; of a judged one the verdict over more rows stays."""
    keepable(told)
    state.monitoring.add_window(WindowRecord(id=window, project=project, **_fields(told)))


@router.get("/decisions")
def list_decisions(
    request: Request,
    response: Response,
    state: StateOf,
    project: ProjectName,
    newest: Newest = None,
    rule: Annotated[str | None, Query(max_length=20)] = None,
    trigger: Annotated[str | None, Query(max_length=120)] = None,
    go: bool | None = None,
    after: AfterNumber = 0,
    limit: Limit = 100,
) -> list[DecisionRecord]:
    """A page of the decisions, of a rule and trigger, oldest first; `after` takes an `id`.
    `newest`: so many, the last first."""
    kept = state.monitoring
    if newest is not None:
        return kept.newest_decisions(project, newest, rule=rule, trigger=trigger, go=go)
    found = kept.all_decisions(project, rule=rule, trigger=trigger, go=go, after=after, limit=limit)
    return lead_on(request, response, found, limit, "id")


@router.get("/retrainings")
def list_retrainings(
    state: StateOf,
    project: ProjectName,
    limit: Annotated[int, Query(ge=1, le=MOST)] = 50,
    since: AwareDatetime | None = None,
    unfinished: bool = False,
) -> list[RetrainingRecord]:
    """Decisions to go with how their runs are, the last one first; `since`: whose trigger's time is
    later; `unfinished`: whose run is queued or running."""
    return state.monitoring.retrainings(project, limit, since=since, unfinished=unfinished)


@router.post("/decisions")
def add_decision(
    state: StateOf, project: ProjectName, told: GuardDecision, key: IdempotencyKey = None
) -> DecisionRecord:
    """Keep what the guard decided."""
    keepable(told)
    values = _fields(told)
    alarm, lease = values.pop("alarm"), values.pop("lease")
    record = DecisionRecord(project=project, key=key or new_key(), **values)
    return state.monitoring.add_decision(record, alarm, lease)


@router.post("/decisions/reset")
def reset_breaker(
    state: StateOf, project: ProjectName, key: IdempotencyKey = None
) -> DecisionRecord:
    """Let retrainings go again after failures in a row. Whoever sends it is its author."""
    return state.monitoring.reset_breaker(project, key)


@router.post("/decisions/unfreeze")
def lift_freeze(state: StateOf, project: ProjectName, key: IdempotencyKey = None) -> DecisionRecord:
    """Let retrainings go again after a rollback. Whoever sends it is its author."""
    return state.monitoring.lift_freeze(project, key)


@router.get("/served")
def get_served(state: StateOf, project: ProjectName) -> ServedVersion | None:
    """What was said to answer predictions; null where nothing does."""
    return state.monitoring.served(project)


@router.put("/served", status_code=204)
def set_served(state: StateOf, project: ProjectName, told: ServedVersion) -> None:
    """Say what answers predictions now."""
    same("project", told.project, project)
    keepable(told)
    state.monitoring.set_served(told)


@router.delete("/served", status_code=204)
def clear_served(state: StateOf, project: ProjectName) -> None:
    """Nothing answers any more."""
    state.monitoring.clear_served(project)


def _fields(told: Window | GuardDecision) -> dict[str, Any]:
    return {field.name: getattr(told, field.name) for field in fields(told)}
