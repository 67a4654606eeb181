"""Runs and their steps in the state."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any

from mizzen.control.state.database import Database
from mizzen.control.state.records import RunRecord, StepRecord, document, names
from mizzen.control.state.session import Prefix, Session
from mizzen.core.runs import RunState, StepEvent, StepState
from mizzen.errors import NotFound

_RUN, _STEP = names(RunRecord), names(StepRecord)


def know_project(database: Database, name: str, folder: str, now: datetime) -> None:
    """Know this project from now on; everything else refers to it."""
    with database.write() as session:
        _know_project(session, name, folder, now)


def add(database: Database, record: RunRecord, project_folder: str) -> None:
    """A new run."""
    values = asdict(record) | {"state": record.state.value, "error": document(record.error)}
    with database.write() as session:
        _know_project(session, record.project, project_folder, record.created_at)
        session.insert("runs", values)


def change(database: Database, run_id: str, **values: Any) -> None:
    """Set fields of a run."""
    with database.write() as session:
        session.change("runs", {"id": run_id}, _column_values(values))


def get(database: Database, project: str, run_id: str) -> RunRecord:
    """A run by its id, or by an unambiguous beginning of it.

    Raises:
        NotFound: no such run, or several; the newest ones are named.
    """
    named = {"project": project, "id": Prefix(run_id)}
    with database.read() as session:
        rows = session.find("runs", _RUN, named, order=["id"], limit=2)
        newest = [] if len(rows) == 1 else _newest_ids(session, project)
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
    mine, order = {"project": project}, ["created_at", "id"]
    with database.read() as session:
        rows = session.find("runs", _RUN, mine, order=order, newest=True, limit=limit)
    return [_run(row) for row in rows]


def with_version(database: Database, project: str, version: int) -> list[RunRecord]:
    """The runs that ended in this version, newest first."""
    mine = {"project": project, "version": version}
    with database.read() as session:
        rows = session.find("runs", _RUN, mine, order=["created_at"], newest=True)
    return [_run(row) for row in rows]


def begin_attempt(database: Database, run_id: str) -> None:
    """The run is executed (once more)."""
    values = {"state": RunState.RUNNING.value, "ended_at": None, "error": None}
    with database.write() as session:
        for run in session.find("runs", ["state", "attempts"], {"id": run_id}):
            first = run["state"] == RunState.QUEUED.value
            attempts = run["attempts"] + (0 if first else 1)
            session.change("runs", {"id": run_id}, values | {"attempts": attempts})


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
    with database.write() as session:
        session.remove("steps", {"run": event.run_id, "name": event.step})
        session.insert("steps", values)


def steps_of(database: Database, run_id: str) -> list[StepRecord]:
    """The steps of a run, in the plan's order."""
    with database.read() as session:
        rows = session.find("steps", _STEP, {"run": run_id}, order=["position"])
    return [StepRecord(**row | {"state": StepState(row["state"])}) for row in rows]


def _know_project(session: Session, name: str, folder: str, now: datetime) -> None:
    if not session.find("projects", ["name"], {"name": name}):
        session.insert("projects", {"name": name, "folder": folder, "created_at": now})


def _column_values(values: Mapping[str, Any]) -> dict[str, Any]:
    # instants stay instants, the rest becomes JSON-ready
    return {k: v if isinstance(v, datetime) else document(v) for k, v in values.items()}


def _newest_ids(session: Session, project: str) -> list[str]:
    mine, order = {"project": project}, ["created_at"]
    rows = session.find("runs", ["id"], mine, order=order, newest=True, limit=5)
    return [row["id"] for row in rows]


def _run(row: Mapping[str, Any]) -> RunRecord:
    return RunRecord(**dict(row) | {"state": RunState(row["state"])})
