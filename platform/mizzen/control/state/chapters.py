"""How far a project's story (`mizzen demo`) was told, so that it goes on where it was killed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import delete, insert, select

from mizzen.control.state.database import Database
from mizzen.control.state.records import document
from mizzen.control.state.tables import chapters


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
    query = select(chapters).where(
        chapters.c.project == project,
        chapters.c.story == story,
        chapters.c.position == position,
    )
    with database.read() as connection:
        row = connection.execute(query).mappings().first()
    return None if row is None else Chapter(**dict(row))


def keep(database: Database, chapter: Chapter) -> None:
    """Replace what is known of this step."""
    with database.write() as connection:
        connection.execute(
            delete(chapters).where(
                chapters.c.project == chapter.project,
                chapters.c.story == chapter.story,
                chapters.c.position == chapter.position,
            )
        )
        connection.execute(
            insert(chapters).values(
                project=chapter.project,
                story=chapter.story,
                position=chapter.position,
                digest=chapter.digest,
                result=document(chapter.result),
                at=chapter.at,
            )
        )
