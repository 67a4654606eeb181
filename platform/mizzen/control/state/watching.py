"""Watched windows, decisions and what is served, in the state."""

from __future__ import annotations

from dataclasses import asdict, replace
from datetime import datetime

from mizzen.control.state.database import Database
from mizzen.control.state.records import DecisionRecord, Served, WindowRecord, document, names

_WINDOW, _DECISION, _SERVED = names(WindowRecord), names(DecisionRecord), names(Served)


def add_window(database: Database, record: WindowRecord) -> None:
    """Keep what a window showed. The same window again changes nothing, unless it was not
    judged before."""
    values = asdict(record) | {"figures": document(record.figures)}
    with database.write() as session:
        known = session.find("windows", _WINDOW, {"id": record.id})
        if not known:
            session.insert("windows", values)
        elif not WindowRecord(**known[0]).judged:
            session.change("windows", {"id": record.id}, values)


def all_windows(database: Database, project: str) -> list[WindowRecord]:
    """Every watched window, oldest first."""
    with database.read() as session:
        rows = session.find("windows", _WINDOW, {"project": project}, order=["end"])
    return [WindowRecord(**row) for row in rows]


def pending_alarms(database: Database, project: str) -> list[WindowRecord]:
    """Alarms that no decision answered yet, oldest first."""
    found = all_windows(database, project)
    return [w for w in found if w.alarm and w.handled_by is None]


def add_decision(
    database: Database, record: DecisionRecord, alarm: str | None = None
) -> DecisionRecord:
    """Keep a decision and, in the same commit, mark the alarm that it answers."""
    values = {k: v for k, v in asdict(record).items() if k != "id"}
    with database.write() as session:
        number = session.insert("decisions", values)
        if alarm is not None:
            session.change("windows", {"id": alarm}, {"handled_by": number})
        return replace(record, id=number)


def all_decisions(database: Database, project: str) -> list[DecisionRecord]:
    """Every decision, oldest first."""
    with database.read() as session:
        rows = session.find("decisions", _DECISION, {"project": project}, order=["id"])
    return [DecisionRecord(**row) for row in rows]


def set_served(database: Database, record: Served) -> None:
    """Say what answers predictions now."""
    with database.write() as session:
        session.remove("served", {"project": record.project})
        session.insert("served", asdict(record))


def clear_served(database: Database, project: str) -> None:
    """Nothing answers any more."""
    with database.write() as session:
        session.remove("served", {"project": project})


def last_reset(database: Database, project: str) -> datetime | None:
    """When a person last reset the breaker."""
    mine = {"project": project, "rule": "reset"}
    with database.read() as session:
        rows = session.find("decisions", ["at"], mine, order=["id"], newest=True, limit=1)
    return rows[0]["at"] if rows else None
