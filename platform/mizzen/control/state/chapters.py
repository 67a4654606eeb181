"""How far a project's story (`mizzen demo`) was told, so that it goes on where it was killed."""

from __future__ import annotations

from dataclasses import asdict

from mizzen.control.state import projects
from mizzen.control.state.database import Database
from mizzen.control.state.records import Chapter, document, names

_CHAPTER = names(Chapter)


class SqlChapters:
    """See `verbs.Chapters`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self, project: str, story: str, position: int) -> Chapter | None:
        """See `verbs.Chapters`."""
        mine = {"project": project, "story": story, "position": position}
        with self._database.read() as session:
            rows = session.find("chapters", _CHAPTER, mine)
        return Chapter(**rows[0]) if rows else None

    def keep(self, chapter: Chapter) -> None:
        """See `verbs.Chapters`."""
        values = asdict(chapter) | {"result": document(chapter.result)}
        mine = {key: values[key] for key in ("project", "story", "position")}
        with self._database.write() as session:
            projects.hold(session, chapter.project)
            session.remove("chapters", mine)
            session.insert("chapters", values)
