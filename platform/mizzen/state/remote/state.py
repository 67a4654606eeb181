"""The verbs of the state as requests; `mizzen.api` answers them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any, TypeVar
from urllib.parse import quote

from mizzen.core.runs import StepEvent
from mizzen.errors import NotFound
from mizzen.spec.profile import Control
from mizzen.state.json_codec import read
from mizzen.state.records import (
    About,
    Change,
    DecisionRecord,
    DemoStepRecord,
    Lease,
    LeaseRecord,
    ProjectRecord,
    Promotion,
    RetrainingRecord,
    RunRecord,
    ServedVersion,
    StepRecord,
    VersionRecord,
    WindowRecord,
    names,
    to_jsonable,
)
from mizzen.state.remote.connection import Connection, connect
from mizzen.state.remote.triggers import HttpTriggers

_PAGE = 1000  # the most that the API gives at once
T = TypeVar("T")


class HttpState:
    """See `interface.State`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.projects = HttpProjects(connection)
        self.runs = HttpRuns(connection)
        self.leases = HttpLeases(connection)
        self.models = HttpModels(connection)
        self.monitoring = HttpMonitoring(connection)
        self.triggers = HttpTriggers(connection)
        self.chapters = HttpChapters(connection)
        self.bundles = HttpBundles(connection)

    def about(self) -> About:
        """See `interface.State`."""
        return read(About, self._connection.get("/about"))


def open_remote(control: Control) -> HttpState:
    """The state of the API that a profile names."""
    return HttpState(connect(control))


class HttpProjects:
    """See `interface.Projects`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def ensure(self, name: str, folder: str, now: datetime) -> None:
        """See `interface.Projects`."""
        told = {"name": name, "folder": folder, "created_at": now}
        self._connection.write("PUT", _of(name), told)

    def all(self) -> list[ProjectRecord]:
        """See `interface.Projects`."""
        return read(list[ProjectRecord], self._connection.get("/projects"))


class HttpRuns:
    """See `interface.Runs`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, record: RunRecord, project_folder: str) -> None:
        """See `interface.Runs`."""
        told = {"run": record, "project_folder": project_folder}
        self._connection.write("PUT", _of(record.project, "runs", record.id), told)

    def change(self, project: str, run_id: str, lease: Lease, **values: Any) -> None:
        """See `interface.Runs`."""
        told = {"lease": lease, "values": values}
        self._connection.write("PATCH", _of(project, "runs", run_id), told)

    def get(self, project: str, run_id: str) -> RunRecord:
        """See `interface.Runs`."""
        return read(RunRecord, self._connection.get(_of(project, "runs", run_id)))

    def newest_first(self, project: str, limit: int = 50) -> list[RunRecord]:
        """See `interface.Runs`."""
        found = self._connection.get(_of(project, "runs"), limit=limit)
        return read(list[RunRecord], found)

    def unfinished(self, project: str, limit: int = 100) -> list[RunRecord]:
        """See `interface.Runs`."""
        found = self._connection.get(_of(project, "runs"), limit=limit, unfinished="true")
        return read(list[RunRecord], found)

    def with_version(self, project: str, version: int) -> list[RunRecord]:
        """See `interface.Runs`."""
        found = self._connection.get(_of(project, "runs"), version=version)
        return read(list[RunRecord], found)

    def record_step(self, project: str, event: StepEvent, position: int, lease: Lease) -> None:
        """See `interface.Runs`."""
        step = {**to_jsonable(event), "name": event.step}
        kept = {name: step[name] for name in names(StepRecord)}
        told = {"event": kept, "position": position, "lease": lease}
        self._connection.write("PUT", _of(project, "runs", event.run_id, "steps", event.step), told)

    def steps_of(self, project: str, run_id: str) -> list[StepRecord]:
        """See `interface.Runs`."""
        found = self._connection.get(_of(project, "runs", run_id, "steps"))
        return read(list[StepRecord], found)

    def follow(self, project: str, run_id: str, after: int = 0) -> Iterator[Change | None]:
        """See `interface.Runs`."""
        for event in self._connection.events(_of(project, "runs", run_id, "events"), after):
            yield None if event is None else read(Change, event[1])


class HttpLeases:
    """See `interface.Leases`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def acquire(
        self, name: str, holder: str, seconds: float, *, over: int | None = None
    ) -> Lease | None:
        """See `interface.Leases`."""
        told = {"holder": holder, "seconds": seconds, "over": over}
        found = self._connection.write("PUT", _lease(name), told)
        return None if found is None else read(Lease, found)

    def renew(self, lease: Lease, seconds: float) -> None:
        """See `interface.Leases`."""
        told = {"lease": lease, "seconds": seconds}
        self._connection.write("PATCH", _lease(lease.name), told)

    def release(self, lease: Lease) -> None:
        """See `interface.Leases`."""
        self._connection.write("POST", _lease(lease.name, "release"), {"lease": lease})

    def get(self, name: str) -> LeaseRecord | None:
        """See `interface.Leases`."""
        found = self._connection.get(_lease(name))
        return None if found is None else read(LeaseRecord, found)


class HttpModels:
    """See `interface.Models`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def register(self, project: str, run_id: str, number: int) -> VersionRecord:
        """See `interface.Models`."""
        path = _of(project, "versions", number)
        return read(VersionRecord, self._connection.write("PUT", path, {"run": run_id}))

    def get_version(self, project: str, number: int) -> VersionRecord:
        """See `interface.Models`."""
        return read(VersionRecord, self._connection.get(_of(project, "versions", number)))

    def all_versions(self, project: str) -> list[VersionRecord]:
        """See `interface.Models`."""
        return _pages(self._connection, list[VersionRecord], _of(project, "versions"), "number")

    def champion(self, project: str) -> Promotion | None:
        """See `interface.Models`."""
        found = self._connection.get(_of(project, "champion"))
        return None if found is None else read(Promotion, found)

    def history(self, project: str) -> list[Promotion]:
        """See `interface.Models`."""
        return _pages(self._connection, list[Promotion], _of(project, "promotions"), "id")

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
        told = {"version": version, "reason": reason, "force": force, "expected": expected}
        return read(Promotion, self._connection.command(_of(project, "promotions"), told, key))

    def promote_blessed(self, project: str, run_id: str, lease: Lease) -> Promotion:
        """See `interface.Models`."""
        path = _of(project, "runs", run_id, "promotion")
        return read(Promotion, self._connection.write("POST", path, {"lease": lease}))


class HttpMonitoring:
    """See `interface.Monitoring`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add_window(self, record: WindowRecord) -> None:
        """See `interface.Monitoring`."""
        told = _without(record, "id", "project", "handled_by")
        self._connection.write("PUT", _of(record.project, "windows", record.id), told)

    def all_windows(self, project: str) -> list[WindowRecord]:
        """See `interface.Monitoring`."""
        return _pages(self._connection, list[WindowRecord], _of(project, "windows"), "id")

    def newest_windows(
        self, project: str, limit: int, *, kind: str | None = None, version: int | None = None
    ) -> list[WindowRecord]:
        """See `interface.Monitoring`."""
        wanted = _given(newest=limit, kind=kind, version=version)
        return read(list[WindowRecord], self._connection.get(_of(project, "windows"), **wanted))

    def pending_alarms(self, project: str) -> list[WindowRecord]:
        """See `interface.Monitoring`."""
        found = self._connection.get(_of(project, "windows"), pending="true")
        return read(list[WindowRecord], found)

    def add_decision(
        self, record: DecisionRecord, alarm: str | None = None, lease: Lease | None = None
    ) -> DecisionRecord:
        """See `interface.Monitoring`."""
        told = {**_without(record, "id", "project", "key"), "alarm": alarm, "lease": lease}
        path = _of(record.project, "decisions")
        return read(DecisionRecord, self._connection.command(path, told, record.key))

    def reset_breaker(self, project: str, key: str | None = None) -> DecisionRecord:
        """See `interface.Monitoring`."""
        path = _of(project, "decisions", "reset")
        return read(DecisionRecord, self._connection.command(path, None, key))

    def lift_freeze(self, project: str, key: str | None = None) -> DecisionRecord:
        """See `interface.Monitoring`."""
        path = _of(project, "decisions", "unfreeze")
        return read(DecisionRecord, self._connection.command(path, None, key))

    def all_decisions(self, project: str) -> list[DecisionRecord]:
        """See `interface.Monitoring`."""
        return _pages(self._connection, list[DecisionRecord], _of(project, "decisions"), "id")

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
        said = None if go is None else str(go).lower()
        wanted = _given(newest=limit, rule=rule, trigger=trigger, go=said)
        return read(list[DecisionRecord], self._connection.get(_of(project, "decisions"), **wanted))

    def retrainings(
        self,
        project: str,
        limit: int,
        *,
        since: datetime | None = None,
        unfinished: bool = False,
    ) -> list[RetrainingRecord]:
        """See `interface.Monitoring`."""
        begin = None if since is None else since.isoformat()
        wanted = _given(limit=limit, since=begin, unfinished="true" if unfinished else None)
        found = self._connection.get(_of(project, "retrainings"), **wanted)
        return read(list[RetrainingRecord], found)

    def set_served(self, record: ServedVersion) -> None:
        """See `interface.Monitoring`."""
        self._connection.write("PUT", _of(record.project, "served"), record)

    def served(self, project: str) -> ServedVersion | None:
        """See `interface.Monitoring`."""
        found = self._connection.get(_of(project, "served"))
        return None if found is None else read(ServedVersion, found)

    def clear_served(self, project: str) -> None:
        """See `interface.Monitoring`."""
        self._connection.write("DELETE", _of(project, "served"))


class HttpChapters:
    """See `interface.Chapters`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def get(self, project: str, story: str, position: int) -> DemoStepRecord | None:
        """See `interface.Chapters`."""
        found = self._connection.get(_of(project, "stories", story, position))
        return None if found is None else read(DemoStepRecord, found)

    def keep(self, chapter: DemoStepRecord) -> None:
        """See `interface.Chapters`."""
        path = _of(chapter.project, "stories", chapter.story, chapter.position)
        self._connection.write("PUT", path, chapter)


class HttpBundles:
    """See `interface.Bundles`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def has(self, digest: str) -> bool:
        """See `interface.Bundles`."""
        try:
            self._connection.get(f"/bundles/{quote(digest, safe='')}/size")
        except NotFound:
            return False
        return True

    def put(self, digest: str, content: bytes, now: datetime) -> None:
        """See `interface.Bundles`; the server's clock counts."""
        self._connection.upload(f"/bundles/{quote(digest, safe='')}", content)

    def get(self, digest: str) -> bytes:
        """See `interface.Bundles`."""
        return self._connection.download(f"/bundles/{quote(digest, safe='')}")


def _pages(connection: Connection, kind: type[list[T]], path: str, last: str) -> list[T]:
    """Everything of a long list; `last`: the field by which the next page is asked for."""
    found: list[Any] = []
    page: list[Any] | None = None
    while page is None or len(page) == _PAGE:
        after = {"after": page[-1][last]} if page else {}
        page = connection.get(path, limit=_PAGE, **after)
        found += page
    return read(kind, found)


def _given(**words: Any) -> dict[str, Any]:
    """Without those that ask for nothing."""
    return {name: value for name, value in words.items() if value is not None}


def _without(record: Any, *left_out: str) -> dict[str, Any]:
    """A record without what its address says, or what the server sets."""
    return {k: v for k, v in to_jsonable(record).items() if k not in left_out}


def _of(project: str, *below: str | int) -> str:
    """The path of a project's thing, whatever characters its names hold."""
    return "/projects/" + "/".join(quote(str(part), safe="") for part in (project, *below))


def _lease(name: str, *below: str) -> str:
    return "/leases/" + "/".join(quote(part, safe="") for part in (name, *below))
