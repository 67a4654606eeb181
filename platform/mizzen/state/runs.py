"""Runs and their steps in the state."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from mizzen.core.runs import RunState, StepEvent, StepState
from mizzen.errors import Conflict, NotFound
from mizzen.state import projects
from mizzen.state.database import Database
from mizzen.state.leases import check_lease
from mizzen.state.records import (
    Change,
    Evaluation,
    Lease,
    RunRecord,
    StepRecord,
    lease_name,
    names,
    to_jsonable,
)
from mizzen.state.session import OneOf, Prefix, Row, Session

POLL_SECONDS = 0.2
_RUN, _STEP = names(RunRecord), names(StepRecord)
# What a run is from its beginning to its end.
_DOCUMENTS = ("state", "error", "overrides", "evaluation")
_FIXED = ("project", "kind", "plan", "code", "folder", "created_at")


class SqlRuns:
    """See `interface.Runs`. `revision` counts the changes of a run and of its steps."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, record: RunRecord, project_folder: str) -> None:
        """See `interface.Runs`."""
        values = asdict(record) | {name: to_jsonable(getattr(record, name)) for name in _DOCUMENTS}
        with self._database.write() as session:
            projects.ensure(session, record.project, project_folder, record.created_at)
            if session.insert("runs", values | {"revision": 1}, if_not_exists=True) is not None:
                return
            (known,) = session.find("runs", _RUN, {"id": record.id})
        if any(known[name] != values[name] for name in _FIXED):
            raise Conflict(f"another run has the id {record.id}", next_step="submit it again")

    def change(self, project: str, run_id: str, lease: Lease, **values: Any) -> None:
        """See `interface.Runs`."""
        with self._database.write() as session:
            refuse_foreign(run_id, lease)
            check_lease(session, lease)
            _change(session, project, run_id, _column_values(values))

    def get(self, project: str, run_id: str) -> RunRecord:
        """See `interface.Runs`."""
        named = {"project": project, "id": Prefix(run_id)}
        with self._database.read() as session:
            rows = session.find("runs", _RUN, named, order=["id"], limit=2)
            newest = [] if len(rows) == 1 else _newest_ids(session, project)
        exact = [row for row in rows if row["id"] == run_id] or rows
        if len(exact) == 1:
            return _run(exact[0])
        raise NotFound(
            f"no run {run_id!r}" if not rows else f"several runs begin with {run_id!r}",
            allowed=f"the newest are {', '.join(newest)}"
            if newest
            else "none: there is no run yet",
            next_step="mizzen runs list",
        )

    def newest_first(self, project: str, limit: int = 50) -> list[RunRecord]:
        """See `interface.Runs`."""
        mine, order = {"project": project}, ["created_at", "id"]
        with self._database.read() as session:
            rows = session.find("runs", _RUN, mine, order=order, descending=True, limit=limit)
        return [_run(row) for row in rows]

    def unfinished(self, project: str, limit: int = 100) -> list[RunRecord]:
        """See `interface.Runs`."""
        with self._database.read() as session:
            return unfinished(session, project, limit)

    def with_version(self, project: str, version: int) -> list[RunRecord]:
        """See `interface.Runs`."""
        mine = {"project": project, "version": version}
        with self._database.read() as session:
            rows = session.find("runs", _RUN, mine, order=["created_at"], descending=True)
        return [_run(row) for row in rows]

    def record_step(self, project: str, event: StepEvent, position: int, lease: Lease) -> None:
        """See `interface.Runs`."""
        values = to_jsonable(event) | {"name": event.step, "run": event.run_id, "at": event.at}
        kept = {name: values[name] for name in ("run", *_STEP)}
        with self._database.write() as session:
            refuse_foreign(event.run_id, lease)
            check_lease(session, lease)
            revision = _change(session, project, event.run_id, {})
            session.remove("steps", {"run": event.run_id, "name": event.step})
            session.insert("steps", kept | {"position": position, "revision": revision})

    def steps_of(self, project: str, run_id: str) -> list[StepRecord]:
        """See `interface.Runs`."""
        with self._database.read() as session:
            if not session.find("runs", ["id"], {"id": run_id, "project": project}):
                return []
            rows = session.find("steps", _STEP, {"run": run_id}, order=["position"])
        return [_step(row) for row in rows]

    def look(self, project: str, run_id: str, after: int = 0) -> tuple[RunRecord, list[Change]]:
        """A run, and what changed after the change `after`, in order: the last change of each
        step, and of the run itself where that is the newest.

        Raises:
            NotFound: no such run.
        """
        with self._database.read() as session:
            rows = session.find("runs", [*_RUN, "revision"], {"id": run_id, "project": project})
            fields, order = [*_STEP, "revision"], ["revision"]
            steps = session.find("steps", fields, {"run": run_id}, order=order) if rows else []
        if not rows:
            raise _unknown(run_id)
        newest = rows[0].pop("revision")
        run = _run(rows[0])
        found = [Change(step.pop("revision"), run, _step(step)) for step in steps]
        if not found or found[-1].number < newest:
            found.append(Change(newest, run))
        return run, [change for change in found if change.number > after]

    def follow(self, project: str, run_id: str, after: int = 0) -> Iterator[Change | None]:
        """See `interface.Runs`."""
        while True:
            run, found = self.look(project, run_id, after)
            yield from found
            if run.state.ended:  # what was read with it is all there is
                return
            if found:
                after = found[-1].number
            else:
                yield None
                time.sleep(POLL_SECONDS)


def unfinished(session: Session, project: str, limit: int) -> list[RunRecord]:
    """See `interface.Runs`."""
    states = OneOf([state.value for state in RunState if not state.ended])
    # sorted here: a database that were to sort would rather look through all runs by their time
    found = [_run(row) for row in session.find("runs", _RUN, {"project": project, "state": states})]
    return sorted(found, key=lambda run: (run.created_at, run.id), reverse=True)[:limit]


def states_of(session: Session, ids: Sequence[str]) -> dict[str, RunState]:
    """The states of the runs of these ids that there are."""
    rows = session.find("runs", ["id", "state"], {"id": OneOf(ids)})
    return {row["id"]: RunState(row["state"]) for row in rows}


def _change(session: Session, project: str, run_id: str, values: Mapping[str, Any]) -> int:
    """Set fields of a run, hold it until the transaction ends, and count the change."""
    mine = {"id": run_id, "project": project}
    rows = session.find("runs", ["revision", "state"], mine, lock=True)
    if not rows:
        raise _unknown(run_id)
    if "state" in values:
        values = {**values, "ended_at": _end(session, run_id, rows[0]["state"], values["state"])}
    revision: int = rows[0]["revision"] + 1
    session.change("runs", mine, {**values, "revision": revision})
    return revision


def _end(session: Session, run_id: str, known: str, wanted: str) -> datetime | None:
    """When a run that gets this state ended: now, or not yet."""
    if known == RunState.SUCCEEDED != wanted:
        raise Conflict(
            f"run {run_id} succeeded", given=f"the state {wanted}", next_step="mizzen runs list"
        )
    return session.clock() if RunState(wanted).ended else None


def refuse_foreign(run_id: str, lease: Lease) -> None:
    if lease.name != lease_name(run_id):
        raise Conflict(
            f"the lease is not that of run {run_id}", given=lease.name, allowed=lease_name(run_id)
        )


def _unknown(run_id: str) -> NotFound:
    return NotFound(f"no run {run_id!r}", next_step="mizzen runs list")


def _column_values(values: Mapping[str, Any]) -> dict[str, Any]:
    # instants stay instants, the rest becomes JSON-ready
    return {k: v if isinstance(v, datetime) else to_jsonable(v) for k, v in values.items()}


def _newest_ids(session: Session, project: str) -> list[str]:
    mine, order = {"project": project}, ["created_at"]
    rows = session.find("runs", ["id"], mine, order=order, descending=True, limit=5)
    return [row["id"] for row in rows]


def _run(row: Row) -> RunRecord:
    found = row["evaluation"]
    evaluation = None if found is None else Evaluation(**found)
    return RunRecord(**row | {"state": RunState(row["state"]), "evaluation": evaluation})


def _step(row: Row) -> StepRecord:
    return StepRecord(**row | {"state": StepState(row["state"])})
