"""Projects in the state."""

from __future__ import annotations

from datetime import datetime

from mizzen.state.database import Database
from mizzen.state.records import ProjectRecord, names
from mizzen.state.session import Session

_PROJECT = names(ProjectRecord)


class SqlProjects:
    """See `interface.Projects`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def ensure(self, name: str, folder: str, now: datetime) -> None:
        """See `interface.Projects`."""
        with self._database.write() as session:
            ensure(session, name, folder, now)

    def all(self) -> list[ProjectRecord]:
        """See `interface.Projects`."""
        with self._database.read() as session:
            rows = session.find("projects", _PROJECT, {}, order=["name"])
        return [ProjectRecord(**row) for row in rows]


def ensure(session: Session, name: str, folder: str, now: datetime) -> None:
    """Know a project within a transaction."""
    known = {"name": name, "folder": folder, "created_at": now}
    session.insert("projects", known, if_not_exists=True)


def lock(session: Session, name: str) -> None:
    """Let nobody else decide anything about this project until the transaction ends."""
    session.find("projects", ["name"], {"name": name}, lock=True)
