"""Windows of drift: which are looked at, and what is stored of them.

The newest window spans `monitoring.window` back from `now`, also where it overlaps judged ones;
what nobody looked at before it is caught up. What was judged is judged again where rows of it
were logged since.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from mizzen.control.monitoring.run_drift import (
    LoggedTimes,
    WindowVerdict,
    logged_times,
    run_drift_job,
)
from mizzen.control.workspace import Workspace
from mizzen.core.windows import Span, is_due, unseen
from mizzen.spec.duration import to_timedelta
from mizzen.state.records import WindowRecord

KIND = "drift"
MOST = 2000  # windows of a version that are looked through, those that ended last


def inspect(workspace: Workspace, version: int, now: datetime) -> tuple[WindowRecord, ...]:
    """Look at the window that ends at `now`; the windows that were judged, oldest first."""
    return _inspect(
        workspace, now, _watched_log(workspace, version, now, _known(workspace, version))
    )


def judge_due(workspace: Workspace, version: int, now: datetime) -> tuple[WindowRecord, ...]:
    """Look if a window is due, or where rows were logged since they were judged."""
    known = _known(workspace, version)
    log = _watched_log(workspace, version, now, known)
    if is_due([span_of(window) for window in known], length_of(workspace), now):
        return _inspect(workspace, now, log)
    return _judge_again(workspace, now, log)


def spans(workspace: Workspace, version: int) -> list[Span]:
    """The windows of a version that somebody looked at, oldest first."""
    return [span_of(window) for window in _known(workspace, version)]


def span_of(window: WindowRecord) -> Span:
    """The window as the domain knows it."""
    return Span(window.start, window.end, window.judged)


def length_of(workspace: Workspace) -> timedelta:
    """Of one window."""
    return to_timedelta(workspace.spec.monitoring.window)


@dataclass(frozen=True, slots=True)
class _WatchedLog:
    """What was looked at of a version's predictions, and when they were. `windows`: up to now,
    oldest first. `late`: windows with rows that their verdict did not see."""

    version: int
    windows: Sequence[WindowRecord]
    times: LoggedTimes
    late: Sequence[tuple[datetime, datetime]]


def _known(workspace: Workspace, version: int) -> list[WindowRecord]:
    monitoring, name = workspace.state.monitoring, workspace.spec.name
    return monitoring.newest_windows(name, MOST, kind=KIND, version=version)[::-1]


def _watched_log(
    workspace: Workspace, version: int, now: datetime, known: Sequence[WindowRecord]
) -> _WatchedLog:
    windows = [window for window in known if window.end <= now]
    times = logged_times(workspace, version, now)
    drift = [(w.start, w.end, w.basis) for w in windows if w.start is not None]
    grown = [(start, end) for start, end, rows in drift if times.count(start, end) > rows]
    late = unseen([(start, end) for start, end, _ in drift], times, length_of(workspace))
    return _WatchedLog(version, windows, times, [*late, *grown])


def _inspect(workspace: Workspace, now: datetime, log: _WatchedLog) -> tuple[WindowRecord, ...]:
    same = [window for window in log.windows if window.end == now]
    if same and all(window.judged for window in same):
        return _judge_again(workspace, now, log) or tuple(same)
    start = None  # nobody looked yet: the whole log
    if log.windows:
        start = min(now - length_of(workspace), max(window.end for window in log.windows))
    return _look(workspace, now, log, (start, now))


def _judge_again(workspace: Workspace, now: datetime, log: _WatchedLog) -> tuple[WindowRecord, ...]:
    """Nothing where no window got rows since. The figures that are shown elsewhere are those of
    the newest window: it is among them, judged last."""
    if not log.late:
        return ()
    newest = max(log.windows, key=lambda window: window.end)
    return _look(workspace, now, log, (newest.start, newest.end))


def _look(
    workspace: Workspace,
    now: datetime,
    log: _WatchedLog,
    window: tuple[datetime | None, datetime],
) -> tuple[WindowRecord, ...]:
    name = workspace.spec.name
    workspace.state.projects.ensure(name, str(workspace.folder), now)
    found = run_drift_job(workspace, log.version, *window, log.late, log.times.first)
    records = [_record(name, log.version, each, now) for each in found]
    for record in records:
        workspace.state.monitoring.add_window(record)
    ids = {record.id for record in records}
    return tuple(w for w in _known(workspace, log.version) if w.id in ids)


def _record(project: str, version: int, found: WindowVerdict, now: datetime) -> WindowRecord:
    return WindowRecord(
        id=f"{found.kind}:{project}:{version}:{found.end:%Y%m%dT%H%M%S}",
        project=project,
        start=found.start,
        end=found.end,
        version=version,
        kind=found.kind,
        alarm=found.alarm,
        figures=found.figures,
        report=found.report,
        at=now,
    )
