"""How far a project's story (`mizzen demo`) was told, so that it goes on where it was killed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from mizzen.control.state.database import Database
from mizzen.control.state.records import document, names


@dataclass(frozen=True, slots=True)
class Chapter:
    """One begun or finished step. `digest`: of everything that it depends on."""

    project: str
    story: str
    position: int
    digest: str
    result: Mapping[str, Any]
    at: datetime


def get(database: Database, project: str, story: str, position: int) -> Chapter | None:
    """What is known of one step."""
    mine = {"project": project, "story": story, "position": position}
    with database.read() as session:
        rows = session.find("chapters", names(Chapter), mine)
    return Chapter(**rows[0]) if rows else None


def keep(database: Database, chapter: Chapter) -> None:
    """Replace what is known of this step."""
    values = asdict(chapter) | {"result": document(chapter.result)}
    with database.write() as session:
        session.remove("chapters", {key: values[key] for key in ("project", "story", "position")})
        session.insert("chapters", values)
