"""Watched windows, decisions and what is served, in the state."""

from __future__ import annotations

from dataclasses import asdict, replace
from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import delete, insert, select, update

from mizzen.control.state.database import Database
from mizzen.control.state.records import DecisionRecord, Served, WindowRecord, document
from mizzen.control.state.tables import decisions, served, windows

if TYPE_CHECKING:
    from sqlalchemy import Connection


def add_window(database: Database, record: WindowRecord) -> None:
    """Keep what a window showed; the same window again changes nothing."""
    values = asdict(record) | {"figures": document(record.figures)}
    with database.write() as connection:
        same = select(windows.c.id).where(windows.c.id == record.id)
        if connection.execute(same).scalar() is None:
            connection.execute(insert(windows).values(values))


def all_windows(database: Database, project: str) -> list[WindowRecord]:
    """Every watched window, oldest first."""
    query = select(windows).where(windows.c.project == project).order_by(windows.c.end)
    with database.read() as connection:
        return [WindowRecord(**dict(row)) for row in connection.execute(query).mappings()]


def pending_alarms(database: Database, project: str) -> list[WindowRecord]:
    """Alarms that no decision answered yet, oldest first."""
    found = all_windows(database, project)
    return [w for w in found if w.alarm and w.handled_by is None]


def add_decision(
    database: Database, record: DecisionRecord, alarm: str | None = None
) -> DecisionRecord:
    """Keep a decision and, in the same commit, mark the alarm that it answers."""
    values = {k: v for k, v in asdict(record).items() if k != "id"}
    with database.write() as connection:
        key = connection.execute(insert(decisions).values(values)).inserted_primary_key
        number = int(key[0]) if key else 0
        if alarm is not None:
            mine = update(windows).where(windows.c.id == alarm)
            connection.execute(mine.values(handled_by=number))
        return replace(record, id=number)


def all_decisions(database: Database, project: str) -> list[DecisionRecord]:
    """Every decision, oldest first."""
    query = select(decisions).where(decisions.c.project == project).order_by(decisions.c.id)
    with database.read() as connection:
        return [DecisionRecord(**dict(row)) for row in connection.execute(query).mappings()]


def set_served(database: Database, record: Served) -> None:
    """Say what answers predictions now."""
    with database.write() as connection:
        _forget(connection, record.project)
        connection.execute(insert(served).values(asdict(record)))


def clear_served(database: Database, project: str) -> None:
    """Nothing answers any more."""
    with database.write() as connection:
        _forget(connection, project)


def get_served(database: Database, project: str) -> Served | None:
    """What answers predictions; None when nothing does."""
    query = select(served).where(served.c.project == project)
    with database.read() as connection:
        row = connection.execute(query).mappings().first()
    return None if row is None else Served(**dict(row))


def last_reset(database: Database, project: str) -> datetime | None:
    """When a person last reset the breaker."""
    mine = (decisions.c.project == project) & (decisions.c.rule == "reset")
    query = select(decisions.c.at).where(mine).order_by(decisions.c.id.desc()).limit(1)
    with database.read() as connection:
        at: datetime | None = connection.execute(query).scalar()
    return at


def _forget(connection: Connection, project: str) -> None:
    connection.execute(delete(served).where(served.c.project == project))
