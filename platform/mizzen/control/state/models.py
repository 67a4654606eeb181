"""Versions and the history of promotions in the state."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

from sqlalchemy import insert, select

from mizzen.control.state.database import Database
from mizzen.control.state.records import Promotion, VersionRecord
from mizzen.control.state.tables import promotions, versions
from mizzen.errors import Conflict, NotFound

if TYPE_CHECKING:
    from sqlalchemy import Connection


def add_version(database: Database, record: VersionRecord) -> None:
    """Know a registered version; the same number again changes nothing."""
    with database.write() as connection:
        if _version(connection, record.project, record.number) is None:
            connection.execute(insert(versions).values(asdict(record)))


def get_version(database: Database, project: str, number: int) -> VersionRecord:
    """One version.

    Raises:
        NotFound: with the numbers that there are.
    """
    with database.read() as connection:
        found = _version(connection, project, number)
        mine = select(versions.c.number).where(versions.c.project == project)
        known = list(connection.execute(mine.order_by(versions.c.number)).scalars())
    if found is None:
        raise NotFound(
            f"{project} has no version {number}",
            allowed=", ".join(map(str, known)) or "none: no run has registered one yet",
            next_step="mizzen models list",
        )
    return found


def all_versions(database: Database, project: str) -> list[VersionRecord]:
    """Every version, oldest first."""
    query = select(versions).where(versions.c.project == project).order_by(versions.c.number)
    with database.read() as connection:
        return [VersionRecord(**dict(row)) for row in connection.execute(query).mappings()]


def champion(database: Database, project: str) -> Promotion | None:
    """The newest promotion; None before the first."""
    with database.read() as connection:
        return _champion(connection, project)


def history(database: Database, project: str) -> list[Promotion]:
    """Every promotion, oldest first."""
    query = select(promotions).where(promotions.c.project == project).order_by(promotions.c.id)
    with database.read() as connection:
        return [Promotion(**dict(row)) for row in connection.execute(query).mappings()]


def append_promotion(
    database: Database, promotion: Promotion, expected: int | str | None = "any"
) -> Promotion:
    """The one commit that makes a version the champion.

    Args:
        expected: the champion that the caller judged against; `any` does not ask.

    Raises:
        Conflict: somebody promoted another version since.
    """
    with database.write(durable=True) as connection:
        now = _champion(connection, promotion.project)
        previous = None if now is None else now.version
        if expected not in {"any", previous}:
            raise Conflict(
                f"version {promotion.version} was judged against {_name(expected)}, but the "
                f"champion is {_name(previous)} by now",
                next_step="train again: mizzen run",
            )
        kept = replace(promotion, previous=previous)
        values = {k: v for k, v in asdict(kept).items() if k != "id"}
        result = connection.execute(insert(promotions).values(values))
        key = result.inserted_primary_key
        return replace(kept, id=key[0] if key else 0)


def _name(version: object) -> str:
    return "no champion" if version is None else f"version {version}"


def _champion(connection: Connection, project: str) -> Promotion | None:
    query = select(promotions).where(promotions.c.project == project)
    row = connection.execute(query.order_by(promotions.c.id.desc()).limit(1)).mappings().first()
    return None if row is None else Promotion(**dict(row))


def _version(connection: Connection, project: str, number: int) -> VersionRecord | None:
    mine: Any = (versions.c.project == project) & (versions.c.number == number)
    row = connection.execute(select(versions).where(mine)).mappings().first()
    return None if row is None else VersionRecord(**dict(row))
