"""The watch: run the due drift job, store what it finds, answer stored alarms.

`mizzen drift --act`, a replay and the demo call `tick`, which trains in its own process; the
controller does the same in small parts. `now` is passed in, so that a past season is watched as
it went.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import cast, get_args

from mizzen.control.backends import version_of
from mizzen.control.monitoring import alarms, drift, quality, triggers
from mizzen.control.monitoring.retrain import RetrainResult, retrain
from mizzen.control.runs.observers import OnEvent
from mizzen.control.runs.submit import execute, prepare_resume
from mizzen.control.timestamps import refuse_future
from mizzen.control.workspace import Workspace
from mizzen.core.guard import Cause, RetrainRequest
from mizzen.errors import UserError
from mizzen.state.records import WindowRecord


@dataclass(frozen=True, slots=True)
class TickResult:
    """What the windows showed, and what was done about alarms."""

    windows: tuple[WindowRecord, ...]
    retrained: tuple[RetrainResult, ...] = ()


def inspect(workspace: Workspace, now: datetime) -> TickResult:
    """Run the drift job on what the champion answered, and store each window; then judge each
    window of quality whose labels or predictions changed.

    Raises:
        UserError: `now` has not come yet.
    """
    refuse_future(now)
    version = version_of(workspace, None)
    seen = drift.inspect(workspace, version, now)
    judged = quality.look(workspace, version, now)
    return TickResult((*seen, *(judged or quality.newest(workspace, version, now))))


def judge_due(workspace: Workspace, now: datetime) -> tuple[WindowRecord, ...]:
    """Inspect drift if a window is due or got rows since it was judged, and quality."""
    version = version_of(workspace, None)
    seen = drift.judge_due(workspace, version, now)
    return (*seen, *quality.look(workspace, version, now))


def tick(workspace: Workspace, now: datetime, on_event: OnEvent | None = None) -> TickResult:
    """Finish retrainings that a kill interrupted, answer the schedule and requests, judge what
    is due, answer alarms.

    Raises:
        UserError: `now` has not come yet.
    """
    refuse_future(now)
    resumed = list(_resume(workspace, on_event))
    # before what needs a champion: a schedule or an event may train the first one
    asked = triggers.answer_schedules(workspace, now, on_event)
    asked += triggers.answer_requests(workspace, now, on_event)
    windows = judge_due(workspace, now)
    answered = [_answer(workspace, alarm, now, on_event) for alarm in alarms.pending(workspace)]
    return TickResult(windows, (*resumed, *asked, *answered))


def request_of(cause: str, trigger: str | None, now: datetime) -> RetrainRequest:
    """A wish to retrain from outside; without an id, the instant is the event.

    Raises:
        UserError: no such cause.
    """
    if cause not in get_args(Cause):
        raise UserError(f"no cause {cause!r}", allowed=", ".join(get_args(Cause)))
    return RetrainRequest(trigger or f"{cause}-{now.isoformat()}", cast(Cause, cause))


def _answer(
    workspace: Workspace, alarm: WindowRecord, now: datetime, on_event: OnEvent | None
) -> RetrainResult:
    request = alarms.request_for(workspace, alarm)
    return retrain(workspace, request, max(now, alarm.end), alarm=alarm.id, on_event=on_event)


def _resume(workspace: Workspace, on_event: OnEvent | None) -> Iterator[RetrainResult]:
    for decision, run in alarms.interrupted(workspace):
        if alarms.may_resume(run):
            yield RetrainResult(decision, execute(prepare_resume(workspace, run.id), on_event))
