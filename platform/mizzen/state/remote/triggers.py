"""Events that asked for a retraining, and how far a schedule was answered, as requests."""

from __future__ import annotations

from urllib.parse import quote

from mizzen.state.json_codec import read
from mizzen.state.records import RequestRecord, ScheduleRecord
from mizzen.state.remote.connection import Connection


class HttpTriggers:
    """See `interface.Triggers`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def request(self, project: str, key: str, cause: str, reason: str = "") -> RequestRecord:
        """See `interface.Triggers`."""
        told = {"cause": cause, "reason": reason}
        found = self._connection.command(_requests(project), told, key)
        return read(RequestRecord, found)

    def get_request(self, project: str, key: str) -> RequestRecord:
        """See `interface.Triggers`."""
        path = f"{_requests(project)}/{quote(key, safe='')}"
        return read(RequestRecord, self._connection.get(path))

    def requests(self, project: str, limit: int, *, waiting: bool = False) -> list[RequestRecord]:
        """See `interface.Triggers`."""
        wanted = {"limit": limit, "waiting": "true" if waiting else None}
        found = self._connection.get(_requests(project), **wanted)
        return read(list[RequestRecord], found)

    def schedule(self, project: str) -> ScheduleRecord | None:
        """See `interface.Triggers`."""
        found = self._connection.get(_schedule(project))
        return None if found is None else read(ScheduleRecord, found)

    def keep_schedule(self, record: ScheduleRecord) -> None:
        """See `interface.Triggers`."""
        told = {"cron": record.cron, "zone": record.zone, "since": record.since}
        self._connection.write("PUT", _schedule(record.project), told)

    def drop_schedule(self, project: str) -> None:
        """See `interface.Triggers`."""
        self._connection.write("DELETE", _schedule(project))


def _requests(project: str) -> str:
    return f"/projects/{quote(project, safe='')}/retraining-requests"


def _schedule(project: str) -> str:
    return f"/projects/{quote(project, safe='')}/schedule"
