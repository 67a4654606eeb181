"""What asks for a retraining besides alarms: a schedule's start, and stored requests.

The stored decision about a trigger is its answer: it is asked once, however many controllers and
ticks look. `tick` answers and trains in its own process; the controller lets a process of its own
answer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import cast

from mizzen.control.monitoring.retrain import RetrainResult, retrain
from mizzen.control.runs.observers import OnEvent
from mizzen.control.workspace import Workspace
from mizzen.core.guard import Cause, RetrainRequest
from mizzen.core.schedule import Handled, look, trigger_id
from mizzen.errors import UserError
from mizzen.state.records import RequestRecord, ScheduleRecord

MOST = 20  # requests that one round answers; a guard's cooldown refuses most of so many


@dataclass(frozen=True, slots=True)
class Trigger:
    """What asks. `at`: the trigger's time, at which the training window ends; `all_rows`: there
    is no window."""

    request: RetrainRequest
    at: datetime
    all_rows: bool = False


def answer_schedules(
    workspace: Workspace, now: datetime, on_event: OnEvent | None = None
) -> list[RetrainResult]:
    """Ask the guard about the start of the project's schedule that is due, and train."""
    return _answer(workspace, scheduled(workspace, now), on_event)


def answer_requests(
    workspace: Workspace, now: datetime, on_event: OnEvent | None = None
) -> list[RetrainResult]:
    """Ask the guard about the requests that wait, and train."""
    return _answer(workspace, requested(workspace, now), on_event)


def scheduled(workspace: Workspace, now: datetime) -> list[Trigger]:
    """The start that is due and that nobody answered, if there is one; see `core.schedule`.

    The trigger's time is the start's own: a late one trains on the window of the one that was
    missed, and a tick that comes some seconds late moves no cooldown.
    """
    schedule, name = workspace.spec.retraining.schedule, workspace.spec.name
    triggers = workspace.state.triggers
    kept = triggers.schedule(name)
    if schedule is None:
        if kept is not None:
            triggers.drop_schedule(name)
        return []
    handled = None if kept is None else Handled(kept.cron, kept.zone, kept.since)
    seen = look(schedule, handled, now)
    if seen.due is None:
        if seen.handled != handled:
            _keep(workspace, seen.handled, now)
        return []
    request = RetrainRequest(trigger_id(seen.due), "schedule")
    if workspace.state.monitoring.newest_decisions(name, 1, trigger=request.trigger_id):
        _keep(workspace, Handled.of(schedule, seen.due), now)
        return []
    return [Trigger(request, seen.due)]


def requested(workspace: Workspace, now: datetime) -> list[Trigger]:
    """The requests that wait, the newest first: it says how things are now. One that was made
    after `now` is not seen yet: a replay of the past does not answer what is asked today."""
    waiting = workspace.state.triggers.requests(workspace.spec.name, MOST, waiting=True)
    return [_trigger(record, now) for record in waiting if record.at <= now]


def request(
    workspace: Workspace, cause: str, key: str | None, reason: str, now: datetime
) -> RequestRecord:
    """Store an event that asks for a retraining; see `Project.request_retraining`.

    Raises:
        UserError: no key, or what the state refuses.
    """
    if key is None and cause != "person":
        raise UserError(
            f"a request of the cause {cause} needs the id of its event",
            allowed="a key that the same event has each time it is sent",
            next_step='give one: --key "$(git rev-parse HEAD)"',
        )
    name, state = workspace.spec.name, workspace.state
    state.projects.ensure(name, str(workspace.folder), now)
    return state.triggers.request(name, key or f"person-{now.isoformat()}", cause, reason)


def _trigger(record: RequestRecord, now: datetime) -> Trigger:
    request = RetrainRequest(record.key, cast(Cause, record.cause))
    return Trigger(request, now, all_rows=record.cause == "person")


def _keep(workspace: Workspace, handled: Handled, now: datetime) -> None:
    name, state = workspace.spec.name, workspace.state
    state.projects.ensure(name, str(workspace.folder), now)
    record = ScheduleRecord(name, handled.cron, handled.zone, handled.until)
    state.triggers.keep_schedule(record)


def _answer(
    workspace: Workspace, found: Sequence[Trigger], on_event: OnEvent | None
) -> list[RetrainResult]:
    return [
        retrain(
            workspace, each.request, each.at, all_rows=each.all_rows, once=True, on_event=on_event
        )
        for each in found
    ]
