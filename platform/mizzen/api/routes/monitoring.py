"""TickResult windows, decisions about retraining, and what is served."""

from __future__ import annotations

from dataclasses import dataclass

from fastapi import APIRouter

from mizzen.api.auth import Id, ProjectName, StateOf
from mizzen.api.bodies import StrictRoute
from mizzen.api.checks import keepable, same
from mizzen.state.records import DecisionRecord, ServedVersion, WindowRecord

router = APIRouter(tags=["watching"], prefix="/projects/{project}", route_class=StrictRoute)


@dataclass(frozen=True, slots=True)
class NewDecision:
    """`alarm`: the window that it answers, which no other decision answers after it."""

    decision: DecisionRecord
    alarm: str | None = None


@router.get("/windows")
def list_windows(state: StateOf, project: ProjectName, pending: bool = False) -> list[WindowRecord]:
    """TickResult windows, oldest first; `pending`: alarms about the champion that no decision
    answered yet."""
    if pending:
        return state.monitoring.pending_alarms(project)
    return state.monitoring.all_windows(project)


@router.put("/windows/{window}", status_code=204)
def add_window(state: StateOf, project: ProjectName, window: Id, told: WindowRecord) -> None:
    """Keep what a window showed; of a judged one the verdict over more rows stays."""
    same("project", told.project, project)
    same("id", told.id, window)
    keepable(told)
    state.monitoring.add_window(told)


@router.get("/decisions")
def list_decisions(state: StateOf, project: ProjectName) -> list[DecisionRecord]:
    """Every decision, oldest first."""
    return state.monitoring.all_decisions(project)


@router.post("/decisions")
def add_decision(state: StateOf, project: ProjectName, told: NewDecision) -> DecisionRecord:
    """Keep a decision. One `key` is one decision, however often it is sent."""
    same("decision.project", told.decision.project, project)
    keepable(told)
    return state.monitoring.add_decision(told.decision, told.alarm)


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
