"""TickResult windows, decisions and what is served, in the state."""

from __future__ import annotations

from dataclasses import asdict, replace
from datetime import datetime
from typing import Any

from mizzen.errors import Conflict, InvalidData, NotFound
from mizzen.state import projects, runs, triggers
from mizzen.state.author import Author
from mizzen.state.database import Database
from mizzen.state.keys import find_written
from mizzen.state.leases import check_lease
from mizzen.state.records import (
    RESET,
    UNFREEZE,
    DecisionRecord,
    Lease,
    Promotion,
    RetrainingRecord,
    ServedVersion,
    WindowRecord,
    names,
    new_key,
    to_jsonable,
)
from mizzen.state.session import After, OneOf, Row, Session

_RESERVED = frozenset({RESET, UNFREEZE})
_WINDOW, _DECISION, _SERVED = names(WindowRecord), names(DecisionRecord), names(ServedVersion)


class SqlMonitoring:
    """See `interface.Monitoring`."""

    def __init__(self, database: Database, author: Author) -> None:
        self._database, self._author = database, author

    def add_window(self, record: WindowRecord) -> None:
        """See `interface.Monitoring`."""
        values = asdict(record) | {"figures": to_jsonable(record.figures), "handled_by": None}
        with self._database.write() as session:
            projects.lock(session, record.project)
            rows = session.find("windows", _WINDOW, {"id": record.id})
            if not rows:
                session.insert("windows", values)
                return
            known = WindowRecord(**rows[0])
            if known.project != record.project:
                raise Conflict(
                    f"another project has a window {record.id!r}",
                    next_step="name windows after their project",
                )
            if record.replaces(known):
                # what answered an alarm answered it; a quiet verdict asked for no answer
                answer = known.handled_by if known.alarm else None
                session.change("windows", {"id": record.id}, values | {"handled_by": answer})

    def all_windows(
        self,
        project: str,
        *,
        kind: str | None = None,
        version: int | None = None,
        after: str | None = None,
        limit: int | None = None,
    ) -> list[WindowRecord]:
        """See `interface.Monitoring`; so many of a kind and version, after a window."""
        wanted = _given(project=project, kind=kind, version=version)
        with self._database.read() as session:
            if after is None:
                rows = session.find("windows", _WINDOW, wanted, order=["end", "id"], limit=limit)
            else:
                rows = _windows_after(session, wanted, after, limit)
        return [WindowRecord(**row) for row in rows]

    def newest_windows(
        self, project: str, limit: int, *, kind: str | None = None, version: int | None = None
    ) -> list[WindowRecord]:
        """See `interface.Monitoring`."""
        wanted = _given(project=project, kind=kind, version=version)
        order = ["end", "id"]
        with self._database.read() as session:
            rows = session.find(
                "windows", _WINDOW, wanted, order=order, descending=True, limit=limit
            )
        return [WindowRecord(**row) for row in rows]

    def pending_alarms(self, project: str) -> list[WindowRecord]:
        """See `interface.Monitoring`."""
        mine = {"project": project}
        waiting = mine | {"alarm": True, "handled_by": None}
        with self._database.read() as session:
            rows = session.find("windows", _WINDOW, waiting, order=["end", "id"])
            champion = session.find(
                "promotions", ["version"], mine, order=["id"], descending=True, limit=1
            )
        served = {row["version"] for row in champion}
        found = [WindowRecord(**row) for row in rows]
        return [w for w in found if w.version in served or not served]

    def add_decision(
        self, record: DecisionRecord, alarm: str | None = None, lease: Lease | None = None
    ) -> DecisionRecord:
        """See `interface.Monitoring`."""
        _refuse_reserved(record)
        with self._database.write() as session:
            projects.lock(session, record.project)
            written = find_written(session, "decisions", record, ["project", "trigger_id"])
            if written is not None:
                kept = DecisionRecord(**written)
            else:
                if lease is not None:
                    check_lease(session, lease)
                _refuse_second(session, record, alarm)
                kept = _insert(session, record)
                if alarm is not None:
                    session.change("windows", {"id": alarm}, {"handled_by": kept.id})
            triggers.mark_decided(session, kept)
            return kept

    def reset_breaker(self, project: str, key: str | None = None) -> DecisionRecord:
        """See `interface.Monitoring`."""
        return self._by_hand(project, RESET, "reset the breaker", key)

    def lift_freeze(self, project: str, key: str | None = None) -> DecisionRecord:
        """See `interface.Monitoring`."""
        return self._by_hand(project, UNFREEZE, "lifted the freeze after a rollback", key)

    def _by_hand(self, project: str, rule: str, what: str, key: str | None) -> DecisionRecord:
        key, at = key or new_key(), self._author.clock()
        record = DecisionRecord(
            project=project,
            trigger_id=f"{rule}-{key}",
            cause="person",
            go=False,
            rule=rule,
            reason=f"{self._author.name} {what}",
            not_before=None,
            at=at,
            key=key,
        )
        with self._database.write() as session:
            projects.lock(session, project)
            written = find_written(session, "decisions", record, ["project", "trigger_id"])
            return _insert(session, record) if written is None else DecisionRecord(**written)

    def all_decisions(
        self,
        project: str,
        *,
        rule: str | None = None,
        trigger: str | None = None,
        go: bool | None = None,
        after: int | None = None,
        limit: int | None = None,
    ) -> list[DecisionRecord]:
        """See `interface.Monitoring`; so many of a rule and trigger, after an id."""
        wanted = _given(project=project, rule=rule, trigger_id=trigger, go=go)
        wanted |= {} if after is None else {"id": After(after)}
        with self._database.read() as session:
            rows = session.find("decisions", _DECISION, wanted, order=["id"], limit=limit)
        return [DecisionRecord(**row) for row in rows]

    def newest_decisions(
        self,
        project: str,
        limit: int,
        *,
        rule: str | None = None,
        trigger: str | None = None,
        go: bool | None = None,
    ) -> list[DecisionRecord]:
        """See `interface.Monitoring`."""
        wanted = _given(project=project, rule=rule, trigger_id=trigger, go=go)
        with self._database.read() as session:
            return _newest(session, wanted, limit)

    def retrainings(
        self,
        project: str,
        limit: int,
        *,
        since: datetime | None = None,
        unfinished: bool = False,
    ) -> list[RetrainingRecord]:
        """See `interface.Monitoring`."""
        wanted = _given(project=project, go=True, at=None if since is None else After(since))
        with self._database.read() as session:
            if unfinished:
                going = runs.unfinished(session, project, limit)
                wanted["run"] = OneOf([run.id for run in going])
            found = _newest(session, wanted, limit)
            known = runs.states_of(session, [d.run for d in found if d.run is not None])
        return [RetrainingRecord(d, known.get(d.run or "")) for d in found]

    def set_served(self, record: ServedVersion) -> None:
        """See `interface.Monitoring`."""
        with self._database.write() as session:
            projects.lock(session, record.project)
            session.remove("served", {"project": record.project})
            session.insert("served", asdict(record))

    def served(self, project: str) -> ServedVersion | None:
        """See `interface.Monitoring`."""
        with self._database.read() as session:
            rows = session.find("served", _SERVED, {"project": project})
        return ServedVersion(**rows[0]) if rows else None

    def clear_served(self, project: str) -> None:
        """See `interface.Monitoring`."""
        with self._database.write() as session:
            session.remove("served", {"project": project})


def _given(**conditions: Any) -> dict[str, Any]:
    """Without those that ask for nothing."""
    return {field: value for field, value in conditions.items() if value is not None}


def _windows_after(
    session: Session, wanted: dict[str, Any], after: str, limit: int | None
) -> list[Row]:
    """Of windows that end together, those whose id comes later; then those that end later."""
    known = session.find("windows", ["end"], {"id": after, "project": wanted["project"]})
    if not known:
        raise NotFound(f"no window {after!r}", next_step="begin without `after`")
    end = known[0]["end"]
    alike = {**wanted, "end": end, "id": After(after)}
    rows = session.find("windows", _WINDOW, alike, order=["id"], limit=limit)
    left = None if limit is None else limit - len(rows)
    later = {**wanted, "end": After(end)}
    return rows + session.find("windows", _WINDOW, later, order=["end", "id"], limit=left)


def _newest(session: Session, wanted: dict[str, Any], limit: int) -> list[DecisionRecord]:
    rows = session.find("decisions", _DECISION, wanted, order=["id"], descending=True, limit=limit)
    return [DecisionRecord(**row) for row in rows]


def _insert(session: Session, record: DecisionRecord) -> DecisionRecord:
    values = {k: v for k, v in asdict(record).items() if k != "id"}
    return replace(record, id=session.insert("decisions", values) or 0)


def _refuse_reserved(record: DecisionRecord) -> None:
    """What a person decides, or follows from a promotion, is no guard's answer."""
    if record.rule in _RESERVED:
        raise InvalidData(
            f"a decision by the rule {record.rule} comes from a command of its own",
            given=record.rule,
            allowed="the rule of the guard that answered",
            next_step="mizzen retrain --reset, or --unfreeze",
        )


def close_alarms(session: Session, promotion: Promotion) -> None:
    """With a new champion, what alarmed before says nothing about it: no alarm waits any more."""
    waiting = {"project": promotion.project, "alarm": True, "handled_by": None}
    for row in session.find("windows", _WINDOW, waiting, order=["end", "id"]):
        window = WindowRecord(**row)
        kept = _insert(session, _closed(window, promotion))
        session.change("windows", {"id": window.id}, {"handled_by": kept.id})


def _closed(window: WindowRecord, promotion: Promotion) -> DecisionRecord:
    return DecisionRecord(
        project=promotion.project,
        trigger_id=window.id,
        cause=window.kind,
        go=False,
        rule="stale",
        reason=f"the alarm judged version {window.version}, and {promotion.by} made version "
        f"{promotion.version} the champion",
        not_before=None,
        at=promotion.at,
        key=None,
    )


def _refuse_second(session: Session, record: DecisionRecord, alarm: str | None) -> None:
    """Of two that answer the same event at once, one does."""
    if alarm is not None:
        mine = {"id": alarm, "project": record.project}
        windows = session.find("windows", ["handled_by"], mine)
        if not windows:
            raise NotFound(f"{record.project} has no watched window {alarm!r}")
        if windows[0]["handled_by"] is not None:
            number = windows[0]["handled_by"]
            raise Conflict(f"decision {number} answered the alarm {alarm!r} meanwhile")
    same = {"project": record.project, "trigger_id": record.trigger_id, "go": True}
    if record.go and session.find("decisions", ["id"], same):
        raise Conflict(f"trigger {record.trigger_id} started a run meanwhile")
