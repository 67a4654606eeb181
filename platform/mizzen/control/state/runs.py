"""Runs and their steps in the state."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, insert, select, update

from mizzen.control.state.database import Database
from mizzen.control.state.records import RunRecord, StepRecord, document
from mizzen.control.state.tables import projects, runs, steps
from mizzen.core.runs import RunState, StepEvent, StepState
from mizzen.errors import NotFound

if TYPE_CHECKING:
    from sqlalchemy import Connection


def know_project(database: Database, name: str, folder: str, now: datetime) -> None:
    """Know this project from now on; everything else refers to it."""
    with database.write() as connection:
        _know_project(connection, name, folder, now)


def add(database: Database, record: RunRecord, project_folder: str) -> None:
    """A new run."""
    values = asdict(record) | {"state": record.state.value, "error": document(record.error)}
    with database.write() as connection:
        _know_project(connection, record.project, project_folder, record.created_at)
        connection.execute(insert(runs).values(values))


def change(database: Database, run_id: str, **values: Any) -> None:
    """Set fields of a run."""
    with database.write() as connection:
        connection.execute(update(runs).where(runs.c.id == run_id).values(_column_values(values)))


def get(database: Database, project: str, run_id: str) -> RunRecord:
    """A run by its id, or by an unambiguous beginning of it.

    Raises:
        NotFound: no such run, or several; the newest ones are named.
    """
    named = runs.c.id.startswith(run_id, autoescape=True)
    with database.read() as connection:
        query = select(runs).where(runs.c.project == project, named).limit(2)
        rows = connection.execute(query).mappings().all()
        newest = _newest_ids(connection, project)
    exact = [row for row in rows if row["id"] == run_id] or rows
    if len(exact) == 1:
        return _run(exact[0])
    raise NotFound(
        f"no run {run_id!r}" if not rows else f"several runs begin with {run_id!r}",
        allowed=f"the newest are {', '.join(newest)}" if newest else "none: there is no run yet",
        next_step="mizzen runs list",
    )


def newest_first(database: Database, project: str, limit: int = 50) -> list[RunRecord]:
    """The project's runs."""
    query = (
        select(runs)
        .where(runs.c.project == project)
        .order_by(runs.c.created_at.desc(), runs.c.id.desc())
        .limit(limit)
    )
    with database.read() as connection:
        return [_run(row) for row in connection.execute(query).mappings()]


def with_version(database: Database, project: str, version: int) -> list[RunRecord]:
    """The runs that ended in this version, newest first."""
    query = (
        select(runs)
        .where(runs.c.project == project, runs.c.version == version)
        .order_by(runs.c.created_at.desc())
    )
    with database.read() as connection:
        return [_run(row) for row in connection.execute(query).mappings()]


def begin_attempt(database: Database, run_id: str) -> None:
    """The run is executed (once more)."""
    values = {"state": RunState.RUNNING.value, "ended_at": None, "error": None}
    with database.write() as connection:
        fresh = select(runs.c.state).where(runs.c.id == run_id)
        first = connection.execute(fresh).scalar() == RunState.QUEUED.value
        attempts = runs.c.attempts + (0 if first else 1)
        connection.execute(
            update(runs).where(runs.c.id == run_id).values(**values, attempts=attempts)
        )


def record_step(database: Database, event: StepEvent, position: int) -> None:
    """Keep the event as the last one of its step."""
    values = {
        "run": event.run_id,
        "name": event.step,
        "position": position,
        "state": event.state.value,
        "attempt": event.attempt,
        "seconds": event.seconds,
        "figures": document(event.figures),
        "artifacts": document(event.artifacts),
        "error": document(event.error),
        "at": event.at,
    }
    with database.write() as connection:
        mine = (steps.c.run == event.run_id) & (steps.c.name == event.step)
        connection.execute(delete(steps).where(mine))
        connection.execute(insert(steps).values(values))


def steps_of(database: Database, run_id: str) -> list[StepRecord]:
    """The steps of a run, in the plan's order."""
    query = select(steps).where(steps.c.run == run_id).order_by(steps.c.position)
    with database.read() as connection:
        return [_step(row) for row in connection.execute(query).mappings()]


def _know_project(connection: Connection, name: str, folder: str, now: datetime) -> None:
    if connection.execute(select(projects.c.name).where(projects.c.name == name)).scalar() is None:
        connection.execute(insert(projects).values(name=name, folder=folder, created_at=now))


def _column_values(values: Mapping[str, Any]) -> dict[str, Any]:
    # instants stay instants, the rest becomes JSON-ready
    return {k: v if isinstance(v, datetime) else document(v) for k, v in values.items()}


def _newest_ids(connection: Connection, project: str) -> list[str]:
    query = select(runs.c.id).where(runs.c.project == project)
    return list(connection.execute(query.order_by(runs.c.created_at.desc()).limit(5)).scalars())


def _run(row: Any) -> RunRecord:
    return RunRecord(**dict(row) | {"state": RunState(row["state"])})


def _step(row: Any) -> StepRecord:
    values = {k: v for k, v in row.items() if k not in {"run", "position"}}
    return StepRecord(**values | {"state": StepState(row["state"])})
