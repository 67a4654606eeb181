"""What asks for retrainings, in the state: events that were sent, and how far a schedule was
answered. Alarms are in `monitoring`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import asdict
from typing import get_args

from mizzen.errors import Conflict, InvalidData, NotFound
from mizzen.state import projects
from mizzen.state.author import Author
from mizzen.state.database import Database
from mizzen.state.records import (
    DecisionRecord,
    RequestCause,
    RequestRecord,
    ScheduleRecord,
    names,
)
from mizzen.state.session import OneOf, Row, Session

KEY = r"^[A-Za-z0-9][A-Za-z0-9._:+-]{0,79}$"
REASON = 2000  # characters at most
_TABLE = "retraining_requests"
_REQUEST = ["project", "key", "cause", "reason", "by", "at", "handled_by"]
_DECISION, _SCHEDULE = names(DecisionRecord), names(ScheduleRecord)


class SqlTriggers:
    """See `interface.Triggers`."""

    def __init__(self, database: Database, author: Author) -> None:
        self._database, self._author = database, author

    def request(self, project: str, key: str, cause: str, reason: str = "") -> RequestRecord:
        """See `interface.Triggers`."""
        _refuse_odd(key, cause, reason)
        row = {"project": project, "key": key, "cause": cause, "reason": reason}
        signed = {"by": self._author.name, "at": self._author.clock()}
        with self._database.write(durable=True) as session:
            if not session.find("projects", ["name"], {"name": project}):
                raise NotFound(
                    f"no project {project!r} is known here",
                    next_step="check its name; a first run makes it known: mizzen run",
                )
            session.insert(_TABLE, row | signed, if_not_exists=True)
            kept = _one(session, project, key)
        if kept.cause != cause:
            raise Conflict(
                "the idempotency key was used for another request",
                given=f"key {key} with the cause {cause}",
                allowed=f"the cause {kept.cause}, which {kept.by} asked for under this key",
                next_step="send another event under a key of its own",
            )
        return kept

    def get_request(self, project: str, key: str) -> RequestRecord:
        """See `interface.Triggers`."""
        with self._database.read() as session:
            return _one(session, project, key)

    def requests(self, project: str, limit: int, *, waiting: bool = False) -> list[RequestRecord]:
        """See `interface.Triggers`."""
        wanted = {"project": project} | ({"handled_by": None} if waiting else {})
        order = ["at", "key"]
        with self._database.read() as session:
            rows = session.find(_TABLE, _REQUEST, wanted, order=order, descending=True, limit=limit)
            return _with_decisions(session, rows)

    def schedule(self, project: str) -> ScheduleRecord | None:
        """See `interface.Triggers`."""
        with self._database.read() as session:
            rows = session.find("schedules", _SCHEDULE, {"project": project})
        return ScheduleRecord(**rows[0]) if rows else None

    def keep_schedule(self, record: ScheduleRecord) -> None:
        """See `interface.Triggers`."""
        mine = {"project": record.project}
        with self._database.write(durable=True) as session:
            projects.lock(session, record.project)
            rows = session.find("schedules", _SCHEDULE, mine)
            if not rows:
                session.insert("schedules", asdict(record))
            elif not ScheduleRecord(**rows[0]).covers(record):
                session.change("schedules", mine, asdict(record))

    def drop_schedule(self, project: str) -> None:
        """See `interface.Triggers`."""
        with self._database.write() as session:
            session.remove("schedules", {"project": project})


def mark_decided(session: Session, decision: DecisionRecord) -> None:
    """With a decision about its trigger, a request waits no more."""
    waiting = {"project": decision.project, "key": decision.trigger_id, "handled_by": None}
    session.change(_TABLE, waiting, {"handled_by": decision.id})


def _one(session: Session, project: str, key: str) -> RequestRecord:
    rows = session.find(_TABLE, _REQUEST, {"project": project, "key": key})
    if not rows:
        raise NotFound(
            f"nobody asked {project} for a retraining under the key {key!r}",
            next_step="mizzen retrain --requests lists the newest",
        )
    return _with_decisions(session, rows)[0]


def _with_decisions(session: Session, rows: Sequence[Row]) -> list[RequestRecord]:
    numbers = [row["handled_by"] for row in rows if row["handled_by"] is not None]
    found = session.find("decisions", _DECISION, {"id": OneOf(numbers)}) if numbers else []
    decisions = {row["id"]: DecisionRecord(**row) for row in found}
    return [_request(row, decisions.get(row["handled_by"])) for row in rows]


def _request(row: Row, decision: DecisionRecord | None) -> RequestRecord:
    values = {name: value for name, value in row.items() if name != "handled_by"}
    if decision is None:
        return RequestRecord(**values)
    return RequestRecord(**values, state="decided", decision=decision)


def _refuse_odd(key: str, cause: str, reason: str) -> None:
    if re.match(KEY, key) is None or key.endswith("\n"):
        raise InvalidData(
            "not a key of a request",
            given=ascii(key)[:200],
            allowed="up to 80 letters, digits and . _ : + - beginning with a letter or digit, such "
            "as a commit's hash",
        )
    if cause not in get_args(RequestCause):
        raise InvalidData(
            "this cause is not asked for by a request",
            given=cause,
            allowed=f"{', '.join(get_args(RequestCause))}; drift and quality are alarms, which "
            "monitoring stores",
        )
    if len(reason) > REASON:
        given, allowed = f"{len(reason)} characters", f"{REASON} characters at most"
        raise InvalidData("the reason is too long", given=given, allowed=allowed)
