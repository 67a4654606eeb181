"""Runs and their steps, as whoever carries them out tells."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path as File
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel, ConfigDict

from mizzen.api.auth import Id, ProjectName, StateOf
from mizzen.api.bodies import StrictRoute
from mizzen.api.checks import LARGEST, keepable, same
from mizzen.core.runs import RunState, StepEvent
from mizzen.state.records import Evaluation, Lease, RunRecord, StepRecord

router = APIRouter(tags=["runs"], prefix="/projects/{project}/runs", route_class=StrictRoute)
MOST = 10_000


@dataclass(frozen=True, slots=True)
class NewRun:
    """A run, and the project's folder where it was submitted."""

    run: RunRecord
    project_folder: str


class RunFields(BaseModel):
    """Fields of a run to set; those left out stay. The time of its end is the server's."""

    model_config = ConfigDict(extra="forbid")
    state: RunState = RunState.QUEUED
    version: int | None = None
    attempts: int = 1
    error: dict[str, Any] | None = None
    evaluation: Evaluation | None = None


@dataclass(frozen=True, slots=True)
class RunChange:
    """What whoever drives a run, by its lease, sets of it."""

    lease: Lease
    values: RunFields


@dataclass(frozen=True, slots=True)
class StepChange:
    """The newest event of a step; `position`: the step's in the plan."""

    event: StepRecord
    position: int
    lease: Lease


@router.get("")
def list_runs(
    state: StateOf,
    project: ProjectName,
    limit: Annotated[int, Query(ge=1)] = 50,
    version: Annotated[
        int | None, Query(ge=0, le=LARGEST, description="those that ended in this version")
    ] = None,
    unfinished: bool = False,
) -> list[RunRecord]:
    """The project's runs, newest first; 10,000 at most. `unfinished`: queued or running ones."""
    if unfinished:
        return state.runs.unfinished(project, min(limit, MOST))
    if version is not None:
        return state.runs.with_version(project, version)
    return state.runs.newest_first(project, min(limit, MOST))


@router.put("/{run}", status_code=204)
def add_run(state: StateOf, project: ProjectName, run: Id, told: NewRun) -> None:
    """A new run under an id of the client's; the same run again changes nothing."""
    same("run.project", told.run.project, project)
    same("run.id", told.run.id, run)
    keepable(told)
    state.runs.add(told.run, told.project_folder)


@router.get("/{run}")
def get_run(
    state: StateOf, project: ProjectName, run: Annotated[str, Path(max_length=200)]
) -> RunRecord:
    """A run by its id, or by an unambiguous beginning of it."""
    return state.runs.get(project, run)


@router.patch("/{run}", status_code=204)
def change_run(state: StateOf, project: ProjectName, run: Id, told: RunChange) -> None:
    """Set fields of a run, under the lease of whoever drives it."""
    keepable(told)
    values = {name: getattr(told.values, name) for name in told.values.model_fields_set}
    state.runs.change(project, run, told.lease, **values)


@router.get("/{run}/steps")
def list_steps(state: StateOf, project: ProjectName, run: Id) -> list[StepRecord]:
    """The steps of a run, in the plan's order."""
    return state.runs.steps_of(project, run)


@router.put("/{run}/steps/{step}", status_code=204)
def record_step(state: StateOf, project: ProjectName, run: Id, step: Id, told: StepChange) -> None:
    """Keep an event as the last one of its step."""
    found = told.event
    same("event.name", found.name, step)
    keepable(told)
    event = StepEvent(
        run_id=run,
        step=step,
        state=found.state,
        at=found.at,
        attempt=found.attempt,
        seconds=found.seconds,
        figures=found.figures,
        artifacts={name: File(path) for name, path in found.artifacts.items()},
        error=found.error,
    )
    state.runs.record_step(project, event, told.position, told.lease)
