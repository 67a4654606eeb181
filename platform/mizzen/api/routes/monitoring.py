"""TickResult windows, decisions about retraining, and what is served."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import AwareDatetime

from mizzen.api.auth import Id, ProjectName, StateOf
from mizzen.api.bodies import StrictRoute
from mizzen.api.checks import LARGEST, keepable, same
from mizzen.state.records import (
    DecisionRecord,
    Lease,
    RetrainingRecord,
    ServedVersion,
    WindowRecord,
)

router = APIRouter(tags=["watching"], prefix="/projects/{project}", route_class=StrictRoute)
MOST = 10_000
Newest = Annotated[int | None, Query(ge=1, le=MOST)]


@dataclass(frozen=True, slots=True)
class NewDecision:
    """`alarm`: the window that it answers, which no other decision answers after it. `lease`: of
    the controller that decides, which has to lead still."""

    decision: DecisionRecord
    alarm: str | None = None
    lease: Lease | None = None


@router.get("/windows")
def list_windows(
    state: StateOf,
    project: ProjectName,
    pending: bool = False,
    newest: Newest = None,
    kind: Annotated[str | None, Query(max_length=20)] = None,
    version: Annotated[int | None, Query(ge=0, le=LARGEST)] = None,
) -> list[WindowRecord]:
    """Watched windows, oldest first; `pending`: alarms about the champion that no decision
    answered yet; `newest`: so many of a kind and version, the one that ended last first."""
    if pending:
        return state.monitoring.pending_alarms(project)
    if newest is not None:
        return state.monitoring.newest_windows(project, newest, kind=kind, version=version)
    return state.monitoring.all_windows(project)


@router.put("/windows/{window}", status_code=204)
def add_window(state: StateOf, project: ProjectName, window: Id, told: WindowRecord) -> None:
    """Keep what a window showed; of a judged one the verdict over more rows stays."""
    same("project", told.project, project)
    same("id", told.id, window)
    keepable(told)
    state.monitoring.add_window(told)


@router.get("/decisions")
def list_decisions(
    state: StateOf,
    project: ProjectName,
    newest: Newest = None,
    rule: Annotated[str | None, Query(max_length=20)] = None,
    trigger: Annotated[str | None, Query(max_length=120)] = None,
    go: bool | None = None,
) -> list[DecisionRecord]:
    """Every decision, oldest first; `newest`: so many of a rule and trigger, the last first."""
    if newest is not None:
        found = state.monitoring.newest_decisions
        return found(project, newest, rule=rule, trigger=trigger, go=go)
    return state.monitoring.all_decisions(project)


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
def add_decision(state: StateOf, project: ProjectName, told: NewDecision) -> DecisionRecord:
    """Keep a decision. One `key` is one decision, however often it is sent."""
    same("decision.project", told.decision.project, project)
    keepable(told)
    return state.monitoring.add_decision(told.decision, told.alarm, told.lease)


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
