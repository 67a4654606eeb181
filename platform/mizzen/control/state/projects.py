"""Projects in the state."""

from __future__ import annotations

from datetime import datetime

from mizzen.control.state.database import Database
from mizzen.control.state.records import ProjectRecord, names
from mizzen.control.state.session import Session

_PROJECT = names(ProjectRecord)


class SqlProjects:
    """See `verbs.Projects`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def know(self, name: str, folder: str, now: datetime) -> None:
        """See `verbs.Projects`."""
        with self._database.write() as session:
            know(session, name, folder, now)

    def all(self) -> list[ProjectRecord]:
        """See `verbs.Projects`."""
        with self._database.read() as session:
            rows = session.find("projects", _PROJECT, {}, order=["name"])
        return [ProjectRecord(**row) for row in rows]


def know(session: Session, name: str, folder: str, now: datetime) -> None:
    """Know a project within a transaction."""
    known = {"name": name, "folder": folder, "created_at": now}
    session.insert("projects", known, unless_known=True)


def hold(session: Session, name: str) -> None:
    """Let nobody else decide anything about this project until the transaction ends."""
    session.find("projects", ["name"], {"name": name}, hold=True)
