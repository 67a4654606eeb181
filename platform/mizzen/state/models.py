"""Versions and the history of promotions in the state."""

from __future__ import annotations

from dataclasses import asdict, replace

from mizzen.errors import Conflict, NotFound
from mizzen.state import projects
from mizzen.state.database import Database
from mizzen.state.keys import find_written
from mizzen.state.monitoring import close_alarms
from mizzen.state.records import Promotion, VersionRecord, names
from mizzen.state.session import Session

_VERSION, _PROMOTION = names(VersionRecord), names(Promotion)


class SqlModels:
    """See `interface.Models`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add_version(self, record: VersionRecord) -> None:
        """See `interface.Models`."""
        mine = {"project": record.project, "number": record.number}
        with self._database.write() as session:
            projects.lock(session, record.project)
            known = session.find("versions", ["blessed"], mine)
            if not known:
                session.insert("versions", asdict(record), if_not_exists=True)
            elif record.blessed and not known[0]["blessed"]:
                session.change("versions", mine, asdict(record))

    def get_version(self, project: str, number: int) -> VersionRecord:
        """See `interface.Models`."""
        with self._database.read() as session:
            return _version(session, project, number)

    def all_versions(self, project: str) -> list[VersionRecord]:
        """See `interface.Models`."""
        with self._database.read() as session:
            rows = session.find("versions", _VERSION, {"project": project}, order=["number"])
        return [VersionRecord(**row) for row in rows]

    def champion(self, project: str) -> Promotion | None:
        """See `interface.Models`."""
        with self._database.read() as session:
            return _champion(session, project)

    def history(self, project: str) -> list[Promotion]:
        """See `interface.Models`."""
        with self._database.read() as session:
            rows = session.find("promotions", _PROMOTION, {"project": project}, order=["id"])
        return [Promotion(**row) for row in rows]

    def append_promotion(
        self, promotion: Promotion, expected: int | str | None = "any"
    ) -> Promotion:
        """See `interface.Models`."""
        with self._database.write(durable=True) as session:
            projects.lock(session, promotion.project)
            written = find_written(session, "promotions", promotion, ["project", "version"])
            if written is not None:
                return Promotion(**written)
            _refuse_unblessed(_version(session, promotion.project, promotion.version), promotion)
            now = _champion(session, promotion.project)
            previous = None if now is None else now.version
            if expected not in {"any", previous}:
                raise Conflict(
                    f"version {promotion.version} was judged against {_name(expected)}, but the "
                    f"champion is {_name(previous)} by now",
                    next_step="train again: mizzen run",
                )
            kept = replace(promotion, previous=previous)
            values = {k: v for k, v in asdict(kept).items() if k != "id"}
            number = session.insert("promotions", values) or 0
            close_alarms(session, kept)
            return replace(kept, id=number)


def _refuse_unblessed(version: VersionRecord, promotion: Promotion) -> None:
    if version.blessed or (promotion.forced and promotion.reason.strip()):
        return
    raise Conflict(
        f"the gate held version {version.number}",
        given=version.reason,
        allowed="a version that the gate blessed (mizzen models list), or a person who overrules "
        "the gate and says why",
        next_step=f"mizzen models promote {version.number} --force --reason '...', or train a "
        "better one: mizzen run",
    )


def _name(version: object) -> str:
    return "no champion" if version is None else f"version {version}"


def _champion(session: Session, project: str) -> Promotion | None:
    mine = {"project": project}
    rows = session.find("promotions", _PROMOTION, mine, order=["id"], descending=True, limit=1)
    return Promotion(**rows[0]) if rows else None


def _version(session: Session, project: str, number: int) -> VersionRecord:
    rows = session.find("versions", _VERSION, {"project": project, "number": number})
    if rows:
        return VersionRecord(**rows[0])
    others = session.find("versions", ["number"], {"project": project}, order=["number"])
    known = ", ".join(str(row["number"]) for row in others)
    raise NotFound(
        f"{project} has no version {number}",
        allowed=known or "none: no run has registered one yet",
        next_step="mizzen models list",
    )
