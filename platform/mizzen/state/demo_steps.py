"""How far a project's story (`mizzen demo`) was told, so that it goes on where it was killed."""

from __future__ import annotations

from dataclasses import asdict

from mizzen.state import projects
from mizzen.state.database import Database
from mizzen.state.records import DemoStepRecord, names, to_jsonable

_CHAPTER = names(DemoStepRecord)


class SqlChapters:
    """See `interface.Chapters`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self, project: str, story: str, position: int) -> DemoStepRecord | None:
        """See `interface.Chapters`."""
        mine = {"project": project, "story": story, "position": position}
        with self._database.read() as session:
            rows = session.find("chapters", _CHAPTER, mine)
        return DemoStepRecord(**rows[0]) if rows else None

    def keep(self, chapter: DemoStepRecord) -> None:
        """See `interface.Chapters`."""
        values = asdict(chapter) | {"result": to_jsonable(chapter.result)}
        mine = {key: values[key] for key in ("project", "story", "position")}
        with self._database.write() as session:
            projects.lock(session, chapter.project)
            session.remove("chapters", mine)
            session.insert("chapters", values)
