"""The watch: run the due drift job, store what it finds, answer stored alarms.

A scheduler (cron, the stack, a replay) calls `tick`; the stored alarm, never the caller, starts
a retraining. `now` is passed in, so that a past season is watched as it went.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import cast, get_args

from mizzen.control.backends import version_of
from mizzen.control.monitoring import quality
from mizzen.control.monitoring.retrain import RetrainResult, retrain
from mizzen.control.monitoring.run_drift import (
    LoggedTimes,
    WindowVerdict,
    logged_times,
    run_drift_job,
)
from mizzen.control.runs import finalize
from mizzen.control.runs.observers import OnEvent
from mizzen.control.runs.submit import execute, prepare_resume
from mizzen.control.timestamps import refuse_future
from mizzen.control.workspace import Workspace
from mizzen.core.guard import Cause, RetrainRequest, alarms_in_a_row
from mizzen.core.runs import RunState
from mizzen.errors import UserError
from mizzen.spec.duration import to_timedelta
from mizzen.state.records import WindowRecord


@dataclass(frozen=True, slots=True)
class TickResult:
    """What the windows showed, and what was done about alarms."""

    windows: tuple[WindowRecord, ...]
    retrained: tuple[RetrainResult, ...] = ()


def inspect(workspace: Workspace, now: datetime) -> TickResult:
    """Run the drift job on what the champion answered, and store each window; then judge each
    window of quality whose labels or predictions changed.

    The newest window of drift spans `monitoring.window` back from `now`, also where it overlaps
    judged ones; what nobody looked at before it is caught up. What was judged is judged again
    where rows of it were logged since.

    Raises:
        UserError: `now` has not come yet.
    """
    refuse_future(now)
    version = version_of(workspace, None)
    seen = _inspect_drift(workspace, version, now).windows
    judged = quality.look(workspace, version, now)
    return TickResult((*seen, *(judged or quality.newest(workspace, version, now))))


def _inspect_drift(workspace: Workspace, version: int, now: datetime) -> TickResult:
    log = _watched_log(workspace, version, now)
    same = [w for w in log.windows if w.end == now]
    if same and all(w.judged for w in same):
        return _judge_again(workspace, now, log) or TickResult(tuple(same))
    start = None  # nobody looked yet: the whole log
    if log.windows:
        start = min(now - _length(workspace), max(w.end for w in log.windows))
    return _look(workspace, now, log, (start, now))


def tick(workspace: Workspace, now: datetime, on_event: OnEvent | None = None) -> TickResult:
    """Inspect drift if a window is due or got rows since it was judged, and quality; finish
    retrainings that a kill interrupted, answer alarms.

    Raises:
        UserError: `now` has not come yet.
    """
    refuse_future(now)
    resumed = _finish_interrupted(workspace, on_event)
    version = version_of(workspace, None)
    if due(workspace, now):
        drift = _inspect_drift(workspace, version, now)
    else:
        log = _watched_log(workspace, version, now)
        drift = _judge_again(workspace, now, log) or TickResult(())
    judged = quality.look(workspace, version, now)
    answered = [_answer(workspace, alarm, now, on_event) for alarm in _pending(workspace)]
    return TickResult((*drift.windows, *judged), (*resumed, *answered))


def due(workspace: Workspace, now: datetime) -> bool:
    """Whether the champion's last judged window ended at least a window's length ago.

    A look between, which overlaps the window judged before it, postpones nothing.
    """
    version = version_of(workspace, None)
    mark = None
    for window in _windows(workspace):
        if window.version != version or window.kind != "drift" or not window.judged:
            continue
        if mark is None or window.start is None or window.start >= mark:
            mark = window.end
    return mark is None or now >= mark + _length(workspace)


def request_of(cause: str, trigger: str | None, now: datetime) -> RetrainRequest:
    """A wish to retrain from outside; without an id, the instant is the event.

    Raises:
        UserError: no such cause.
    """
    if cause not in get_args(Cause):
        raise UserError(f"no cause {cause!r}", allowed=", ".join(get_args(Cause)))
    return RetrainRequest(trigger or f"{cause}-{now.isoformat()}", cast(Cause, cause))


@dataclass(frozen=True, slots=True)
class _WatchedLog:
    """What was looked at of a version's predictions, and when they were. `windows`: of drift,
    up to now, oldest first. `late`: windows with rows that their verdict did not see."""

    version: int
    windows: Sequence[WindowRecord]
    times: LoggedTimes
    late: Sequence[tuple[datetime, datetime]]


def _watched_log(workspace: Workspace, version: int, now: datetime) -> _WatchedLog:
    windows = [
        w
        for w in _windows(workspace)
        if w.version == version and w.kind == "drift" and w.end <= now
    ]
    times = logged_times(workspace, version, now)
    drift = [(w.start, w.end, w.basis) for w in windows if w.start is not None]
    grown = [(start, end) for start, end, rows in drift if times.count(start, end) > rows]
    unseen = _unseen([(start, end) for start, end, _ in drift], times, _length(workspace))
    return _WatchedLog(version, windows, times, [*unseen, *grown])


def _unseen(
    windows: Sequence[tuple[datetime, datetime]], times: LoggedTimes, length: timedelta
) -> list[tuple[datetime, datetime]]:
    """Windows, oldest first, for rows that came late into time that no window spans. Time too
    short to be judged stays unseen."""
    found: list[tuple[datetime, datetime]] = []
    mark = max((end for _, end in windows), default=None)
    while mark is not None and times.first is not None:
        last = times.last_before(mark)
        if last is None:
            break
        spanning = [start for start, end in (*windows, *found) if start <= last < end]
        if spanning:
            mark = min(spanning)
            continue
        later = [start for start, _ in (*windows, *found) if start > last]
        end = min(later)
        end -= length * ((end - last - timedelta(microseconds=1)) // length)
        mark = end - length
        if end - max(mark, times.first) >= length / 2:
            found.append((mark, end))
    return found[::-1]


def _judge_again(workspace: Workspace, now: datetime, log: _WatchedLog) -> TickResult | None:
    """None where no window got rows since. The figures that are shown elsewhere are those of
    the newest window: it is among them, judged last."""
    if not log.late:
        return None
    newest = max(log.windows, key=lambda w: w.end)
    return _look(workspace, now, log, (newest.start, newest.end))


def _look(
    workspace: Workspace,
    now: datetime,
    log: _WatchedLog,
    window: tuple[datetime | None, datetime],
) -> TickResult:
    name = workspace.spec.name
    workspace.state.projects.ensure(name, str(workspace.folder), now)
    found = run_drift_job(workspace, log.version, *window, log.late, log.times.first)
    records = [_record(name, log.version, each, now) for each in found]
    for record in records:
        workspace.state.monitoring.add_window(record)
    ids = {record.id for record in records}
    return TickResult(tuple(w for w in _windows(workspace) if w.id in ids))


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


def _answer(
    workspace: Workspace, alarm: WindowRecord, now: datetime, on_event: OnEvent | None
) -> RetrainResult:
    verdicts = _verdicts_until(workspace, alarm)
    cause, count = cast(Cause, alarm.kind), alarms_in_a_row(verdicts)
    request = RetrainRequest(alarm.id, cause, count, version=alarm.version)
    return retrain(workspace, request, max(now, alarm.end), alarm=alarm.id, on_event=on_event)


def _verdicts_until(workspace: Workspace, alarm: WindowRecord) -> list[bool]:
    """Verdicts up to this one, oldest first. Windows that overlap count once: looking twice
    makes no second alarm."""
    verdicts, begin = [alarm.alarm], alarm.start
    for window in _windows(workspace)[::-1]:
        same = window.kind == alarm.kind and window.version == alarm.version and window.judged
        if same and begin is not None and window.end <= begin:
            verdicts.append(window.alarm)
            begin = window.start
    return verdicts[::-1]


def _finish_interrupted(workspace: Workspace, on_event: OnEvent | None) -> Iterable[RetrainResult]:
    promoted = workspace.state.models.champion(workspace.spec.name)
    champion = None if promoted is None else promoted.version
    for decision in workspace.state.monitoring.all_decisions(workspace.spec.name):
        if not decision.go or decision.run is None:
            continue
        run = workspace.state.runs.get(workspace.spec.name, decision.run)
        if workspace.elsewhere(run):
            continue
        if finalize.detect_interrupted(workspace, run).state is not RunState.INTERRUPTED:
            continue
        if run.champion != champion:  # nothing that it trains could be promoted any more
            finalize.mark_withdrawn(workspace, run)
        else:
            yield RetrainResult(
                decision, execute(prepare_resume(workspace, decision.run), on_event)
            )


def _pending(workspace: Workspace) -> list[WindowRecord]:
    # the newest says how things are now; older ones are answered after it
    return workspace.state.monitoring.pending_alarms(workspace.spec.name)[::-1]


def _length(workspace: Workspace) -> timedelta:
    return to_timedelta(workspace.spec.monitoring.window)


def _windows(workspace: Workspace) -> list[WindowRecord]:
    return workspace.state.monitoring.all_windows(workspace.spec.name)
