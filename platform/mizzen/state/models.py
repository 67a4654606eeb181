"""Versions and the history of promotions in the state."""

from __future__ import annotations

import hashlib
from dataclasses import asdict, replace
from datetime import datetime
from typing import Any

from mizzen.errors import Conflict, NotFound
from mizzen.state import projects
from mizzen.state.author import Author
from mizzen.state.database import Database
from mizzen.state.keys import find_written
from mizzen.state.leases import check_lease
from mizzen.state.monitoring import close_alarms
from mizzen.state.records import GATE, Evaluation, Lease, Promotion, VersionRecord, names, new_key
from mizzen.state.runs import refuse_foreign
from mizzen.state.session import After, Row, Session

_VERSION, _PROMOTION = names(VersionRecord), names(Promotion)


class SqlModels:
    """See `interface.Models`."""

    def __init__(self, database: Database, author: Author) -> None:
        self._database, self._author = database, author

    def register(self, project: str, run_id: str, number: int) -> VersionRecord:
        """See `interface.Models`."""
        mine = {"project": project, "number": number}
        with self._database.write() as session:
            projects.lock(session, project)
            record = _judged(_run(session, project, run_id), number, self._author.clock())
            known = session.find("versions", _VERSION, mine)
            if not known:
                session.insert("versions", asdict(record))
            elif record.blessed and not known[0]["blessed"]:
                session.change("versions", mine, asdict(record))
            else:
                return VersionRecord(**known[0])
            return record

    def get_version(self, project: str, number: int) -> VersionRecord:
        """See `interface.Models`."""
        with self._database.read() as session:
            return _version(session, project, number)

    def all_versions(
        self, project: str, after: int | None = None, limit: int | None = None
    ) -> list[VersionRecord]:
        """See `interface.Models`; so many after a number."""
        wanted = _beyond(project, "number", after)
        with self._database.read() as session:
            rows = session.find("versions", _VERSION, wanted, order=["number"], limit=limit)
        return [VersionRecord(**row) for row in rows]

    def champion(self, project: str) -> Promotion | None:
        """See `interface.Models`."""
        with self._database.read() as session:
            return _champion(session, project)

    def history(
        self, project: str, after: int | None = None, limit: int | None = None
    ) -> list[Promotion]:
        """See `interface.Models`; so many after an id."""
        wanted = _beyond(project, "id", after)
        with self._database.read() as session:
            rows = session.find("promotions", _PROMOTION, wanted, order=["id"], limit=limit)
        return [Promotion(**row) for row in rows]

    def promote(
        self,
        project: str,
        version: int,
        *,
        reason: str = "",
        force: bool = False,
        expected: int | str | None = "any",
        key: str | None = None,
    ) -> Promotion:
        """See `interface.Models`."""
        with self._database.write(durable=True) as session:
            projects.lock(session, project)
            found = _version(session, project, version)
            _refuse_held(found, force and bool(reason.strip()))
            why = reason or f"no reason was given; the gate said: {found.reason}"
            wanted = self._line(found, self._author.name, why, key)
            wanted = replace(wanted, forced=force and not found.blessed)
            return _append(session, wanted, expected)

    def promote_blessed(self, project: str, run_id: str, lease: Lease) -> Promotion:
        """See `interface.Models`."""
        with self._database.write(durable=True) as session:
            refuse_foreign(run_id, lease)
            check_lease(session, lease)
            projects.lock(session, project)
            run = _run(session, project, run_id)
            if run["version"] is None:
                raise Conflict(f"run {run_id} registered no version")
            found = _version(session, project, run["version"])
            _refuse_held(found, False)
            # a run is concluded once: what was rolled back since does not come back by it
            wanted = self._line(found, GATE, found.reason, _gate_key(run_id))
            return _append(session, wanted, run["champion"])

    def _line(self, version: VersionRecord, by: str, reason: str, key: str | None) -> Promotion:
        return Promotion(
            project=version.project,
            version=version.number,
            previous=None,
            by=by,
            reason=reason,
            forced=False,
            at=self._author.clock(),
            key=key or new_key(),
        )


def _beyond(project: str, field: str, after: int | None) -> dict[str, Any]:
    return {"project": project} | ({} if after is None else {field: After(after)})


def _append(session: Session, wanted: Promotion, expected: int | str | None) -> Promotion:
    """One more line of the history, unless it is written or its version is the champion."""
    written = find_written(session, "promotions", wanted, ["project", "version"])
    if written is not None:
        return Promotion(**written)
    now = _champion(session, wanted.project)
    previous = None if now is None else now.version
    if now is not None and previous == wanted.version:
        return now
    if expected not in {"any", previous}:
        raise Conflict(
            f"version {wanted.version} was judged against {_name(expected)}, but the "
            f"champion is {_name(previous)} by now",
            next_step="train again: mizzen run",
        )
    kept = replace(wanted, previous=previous)
    values = {k: v for k, v in asdict(kept).items() if k != "id"}
    number = session.insert("promotions", values) or 0
    close_alarms(session, kept)
    return replace(kept, id=number)


def _gate_key(run_id: str) -> str:
    # no client's key holds a slash
    return f"gate/{hashlib.sha256(run_id.encode()).hexdigest()[:32]}"


def _run(session: Session, project: str, run_id: str) -> Row:
    fields = ["id", "project", "version", "champion", "evaluation"]
    rows = session.find("runs", fields, {"id": run_id, "project": project})
    if not rows:
        raise NotFound(f"no run {run_id!r}", next_step="mizzen runs list")
    return rows[0]


def _judged(run: Row, number: int, now: datetime) -> VersionRecord:
    """A version with the verdict of its run's evaluation."""
    if run["evaluation"] is None:
        raise Conflict(
            f"run {run['id']} measured no model: there is no verdict on version {number}",
            allowed="a run whose step evaluate has finished",
            next_step=f"mizzen runs show {run['id']}",
        )
    found = Evaluation(**run["evaluation"])
    champion: int | None = run["champion"]
    return VersionRecord(
        project=run["project"],
        number=number,
        run=run["id"],
        blessed=found.blessed,
        reason=found.reason,
        metric=found.metric,
        value=found.value,
        champion=champion,
        champion_value=None if champion is None else found.champion_value,
        created_at=now,
    )


def _refuse_held(version: VersionRecord, forced: bool) -> None:
    if version.blessed or forced:
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
