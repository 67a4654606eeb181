"""The watch: run the due drift job, store what it finds, answer stored alarms.

A scheduler (cron, the stack, a replay) calls `tick`; the stored alarm, never the caller, starts
a retraining. `now` is passed in, so that a past season is watched as it went.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import cast, get_args

from mizzen.control import conclude
from mizzen.control.deploy import version_of
from mizzen.control.drift import Found, run_drift_job
from mizzen.control.observers import Watch
from mizzen.control.retrain import Retrained, retrain
from mizzen.control.state.records import WindowRecord
from mizzen.control.submit import again, carry_out
from mizzen.control.workspace import Workspace
from mizzen.core.guard import Cause, RetrainRequest, alarms_in_a_row
from mizzen.core.runs import RunState
from mizzen.errors import UserError
from mizzen.spec.duration import to_timedelta


@dataclass(frozen=True, slots=True)
class Watched:
    """What the windows showed, and what was done about alarms."""

    windows: tuple[WindowRecord, ...]
    retrained: tuple[Retrained, ...] = ()


def inspect(workspace: Workspace, now: datetime) -> Watched:
    """Run the drift job on what the champion answered, and store each window.

    The newest window spans `monitoring.window` back from `now`, also where it overlaps judged
    ones; what nobody looked at before it is caught up. What was judged is not judged again.

    Raises:
        UserError: `now` has not come yet.
    """
    _refuse_future(now)
    version, name = version_of(workspace, None), workspace.spec.name
    before = [w for w in _windows(workspace) if w.version == version and w.end <= now]
    same = [w for w in before if w.end == now]
    if same and all(w.judged for w in same):
        return Watched(tuple(same))
    start = None  # nobody looked yet: the whole log
    if before:
        start = min(now - _length(workspace), max(w.end for w in before))
    workspace.state.projects.know(name, str(workspace.folder), now)
    found = [_record(name, version, f, now) for f in run_drift_job(workspace, version, start, now)]
    for record in found:
        workspace.state.watching.add_window(record)
    ids = {record.id for record in found}
    return Watched(tuple(w for w in _windows(workspace) if w.id in ids))


def tick(workspace: Workspace, now: datetime, watch: Watch | None = None) -> Watched:
    """Inspect if a window is due, finish retrainings that a kill interrupted, answer alarms.

    Raises:
        UserError: `now` has not come yet.
    """
    _refuse_future(now)
    resumed = _finish_interrupted(workspace, watch)
    seen = inspect(workspace, now).windows if due(workspace, now) else ()
    answered = [_answer(workspace, alarm, now, watch) for alarm in _pending(workspace)]
    return Watched(tuple(seen), (*resumed, *answered))


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


def _record(project: str, version: int, found: Found, now: datetime) -> WindowRecord:
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
    workspace: Workspace, alarm: WindowRecord, now: datetime, watch: Watch | None
) -> Retrained:
    verdicts = _verdicts_until(workspace, alarm)
    request = RetrainRequest(alarm.id, cast(Cause, alarm.kind), alarms_in_a_row(verdicts))
    return retrain(workspace, request, max(now, alarm.end), alarm=alarm.id, watch=watch)


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


def _finish_interrupted(workspace: Workspace, watch: Watch | None) -> Iterable[Retrained]:
    for decision in workspace.state.watching.all_decisions(workspace.spec.name):
        if not decision.go or decision.run is None:
            continue
        run = workspace.state.runs.get(workspace.spec.name, decision.run)
        if workspace.elsewhere(run):
            continue
        if conclude.settle(workspace, run).state is RunState.INTERRUPTED:
            yield Retrained(decision, carry_out(again(workspace, decision.run), watch))


def _pending(workspace: Workspace) -> list[WindowRecord]:
    # the newest says how things are now; older ones are answered after it
    return workspace.state.watching.pending_alarms(workspace.spec.name)[::-1]


def _refuse_future(now: datetime) -> None:
    clock = datetime.now(UTC)
    if now > clock:
        raise UserError(
            "nobody can watch a window that has not ended",
            given=f"until {now.isoformat()}",
            allowed=f"an instant up to now, {clock:%FT%TZ}",
            next_step="leave --until out, or give an instant of the past",
        )


def _length(workspace: Workspace) -> timedelta:
    return to_timedelta(workspace.spec.monitoring.window)


def _windows(workspace: Workspace) -> list[WindowRecord]:
    return workspace.state.watching.all_windows(workspace.spec.name)
