"""Versions and the history of promotions in the state."""

from __future__ import annotations

from dataclasses import asdict, replace

from mizzen.control.state.database import Database
from mizzen.control.state.records import Promotion, VersionRecord, names
from mizzen.control.state.session import Session
from mizzen.errors import Conflict, NotFound

_VERSION, _PROMOTION = names(VersionRecord), names(Promotion)


def add_version(database: Database, record: VersionRecord) -> None:
    """Know a registered version; the same number again changes nothing."""
    with database.write() as session:
        if _version(session, record.project, record.number) is None:
            session.insert("versions", asdict(record))


def get_version(database: Database, project: str, number: int) -> VersionRecord:
    """One version.

    Raises:
        NotFound: with the numbers that there are.
    """
    with database.read() as session:
        found = _version(session, project, number)
        rows = session.find("versions", ["number"], {"project": project}, order=["number"])
    if found is None:
        known = ", ".join(str(row["number"]) for row in rows)
        raise NotFound(
            f"{project} has no version {number}",
            allowed=known or "none: no run has registered one yet",
            next_step="mizzen models list",
        )
    return found


def all_versions(database: Database, project: str) -> list[VersionRecord]:
    """Every version, oldest first."""
    with database.read() as session:
        rows = session.find("versions", _VERSION, {"project": project}, order=["number"])
    return [VersionRecord(**row) for row in rows]


def champion(database: Database, project: str) -> Promotion | None:
    """The newest promotion; None before the first."""
    with database.read() as session:
        return _champion(session, project)


def history(database: Database, project: str) -> list[Promotion]:
    """Every promotion, oldest first."""
    with database.read() as session:
        rows = session.find("promotions", _PROMOTION, {"project": project}, order=["id"])
    return [Promotion(**row) for row in rows]


def append_promotion(
    database: Database, promotion: Promotion, expected: int | str | None = "any"
) -> Promotion:
    """The one commit that makes a version the champion.

    Args:
        expected: the champion that the caller judged against; `any` does not ask.

    Raises:
        Conflict: somebody promoted another version since.
    """
    with database.write(durable=True) as session:
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
        return replace(kept, id=session.insert("promotions", values))


def _name(version: object) -> str:
    return "no champion" if version is None else f"version {version}"


def _champion(session: Session, project: str) -> Promotion | None:
    mine = {"project": project}
    rows = session.find("promotions", _PROMOTION, mine, order=["id"], newest=True, limit=1)
    return Promotion(**rows[0]) if rows else None


def _version(session: Session, project: str, number: int) -> VersionRecord | None:
    rows = session.find("versions", _VERSION, {"project": project, "number": number})
    return VersionRecord(**rows[0]) if rows else None
