"""`python -m mizzen.control.controller.apart PART FOLDER PROFILE ...`: one effect of a round.

In a process of its own, for what it imports: the registry's library, the pipeline's compiler, the
drift job. The controller's lease comes by the standard input, so that what it decides is refused
once another controller leads; the answer is JSON. It ends with the controller.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from mizzen.control.backends import version_of
from mizzen.control.models.reconcile import point_alias
from mizzen.control.monitoring import alarms, tick, triggers
from mizzen.control.monitoring.retrain import ask
from mizzen.control.monitoring.run_drift import logged_times
from mizzen.control.own_process import answer_with
from mizzen.control.runs.submit import PreparedRun, execute_detached, prepare_resume
from mizzen.control.workspace import Workspace, open_workspace
from mizzen.core.quality import QualityPolicy
from mizzen.core.runs import RunState
from mizzen.spec.duration import to_timedelta
from mizzen.state.records import DecisionRecord, Lease
from mizzen.streams import guard_streams

Answer = dict[str, Any]


def main(part: str, folder: str, profile: str, *words: str) -> int:
    """Do one part; the exit status."""
    die_with_controller()
    lease = Lease(**json.loads(sys.stdin.readline()))
    workspace = open_workspace(Path(folder), profile)
    return answer_with(lambda: json.dumps(PARTS[part](workspace, lease, *words)))


def die_with_controller() -> None:
    """Nothing of a round goes on without its controller, but the runs that it started."""
    if sys.platform.startswith("linux"):
        from mizzen.adapters.local_runner.processes import die_with_parent

        die_with_parent(os.getppid())


def follow_champion(workspace: Workspace, _lease: Lease) -> Answer:
    """Point the registry's alias at the champion."""
    champion = workspace.state.models.champion(workspace.spec.name)
    if champion is None or not point_alias(workspace, champion.version):
        return {"version": None}
    return {"version": champion.version}


def look(workspace: Workspace, _lease: Lease, now: str) -> Answer:
    """Judge what is due of what the champion answers now. Traffic of the past, which somebody
    replays, is watched by whoever replays it."""
    at, version = datetime.fromisoformat(now), version_of(workspace, None)
    newest = logged_times(workspace, version, at).last_before(at)
    if newest is None or newest < at - _reach(workspace):
        return {"windows": [], "newest": None if newest is None else newest.isoformat()}
    found = tick.judge_due(workspace, at)
    told = [f"{w.kind} until {w.end:%FT%TZ}: {w.verdict}" for w in found]
    return {"windows": told, "newest": newest.isoformat()}


def answer(workspace: Workspace, lease: Lease, alarm_id: str, now: str) -> Answer:
    """Ask the guard about a stored alarm; where it is to go, the run begins in a process of its
    own."""
    waiting = [alarm for alarm in alarms.pending(workspace) if alarm.id == alarm_id]
    if not waiting:
        return {"answered": False}
    alarm = waiting[0]
    at = alarms.time_of(workspace, alarm, datetime.fromisoformat(now))
    asked = ask(workspace, alarms.request_for(workspace, alarm), at, alarm.id, lease=lease)
    return _begun(asked)


def answer_schedule(workspace: Workspace, lease: Lease, now: str) -> Answer:
    """Ask the guard about the start of the schedule that is due."""
    return _ask_all(workspace, lease, triggers.scheduled(workspace, datetime.fromisoformat(now)))


def answer_requests(workspace: Workspace, lease: Lease, now: str) -> Answer:
    """Ask the guard about the requests that wait."""
    return _ask_all(workspace, lease, triggers.requested(workspace, datetime.fromisoformat(now)))


def resume(workspace: Workspace, _lease: Lease, run_id: str) -> Answer:
    """Go on with an interrupted run in a process of its own."""
    ready = prepare_resume(workspace, run_id)
    attempt = ready.run.attempts + 1
    # counted before it begins, and going from now on: another alarm starts no second run
    state = {"state": RunState.QUEUED, "attempts": attempt}
    workspace.state.runs.change(ready.run.project, ready.run.id, ready.lease, **state)
    execute_detached(ready)
    return {"run": ready.run.id, "attempt": attempt}


def _ask_all(workspace: Workspace, lease: Lease, found: Sequence[triggers.Trigger]) -> Answer:
    answers = []
    for each in found:
        asked = ask(
            workspace, each.request, each.at, all_rows=each.all_rows, once=True, lease=lease
        )
        answers.append(_begun(asked))
    return {"decisions": answers}


def _begun(asked: DecisionRecord | tuple[DecisionRecord, PreparedRun]) -> Answer:
    """The decision; where it is to go, its run begins."""
    if isinstance(asked, DecisionRecord):
        return _decided(asked)
    decision, ready = asked
    execute_detached(ready)
    return _decided(decision)


def _decided(decision: DecisionRecord) -> Answer:
    return {
        "answered": True,
        "trigger": decision.trigger_id,
        "go": decision.go,
        "rule": decision.rule,
        "reason": decision.reason,
        "run": decision.run,
    }


def _reach(workspace: Workspace) -> timedelta:
    """How far back predictions of now still lie: their labels come late."""
    spec = workspace.spec
    policy = QualityPolicy.of(spec.monitoring, spec.label)
    return max(to_timedelta(spec.monitoring.window), policy.length + policy.delay)


PARTS: dict[str, Callable[..., Answer]] = {
    "champion": follow_champion,
    "windows": look,
    "alarms": answer,
    "interrupted": resume,
    "schedule": answer_schedule,
    "requests": answer_requests,
}


if __name__ == "__main__":
    guard_streams()
    sys.exit(main(*sys.argv[1:]))
