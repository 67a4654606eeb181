"""Stored alarms, and retrainings that a kill interrupted: what waits for an answer.

The stored alarm, never who calls, starts a retraining. `tick` answers and trains in its own
process; the controller lets a process of its own answer, and the run outlives both.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import cast

from mizzen.control.monitoring.drift import MOST, length_of
from mizzen.control.runs import finalize, run_lock
from mizzen.control.runs.lease import acquire
from mizzen.control.workspace import Workspace
from mizzen.core.guard import Cause, RetrainRequest, alarms_in_a_row
from mizzen.core.runs import RunState
from mizzen.core.windows import answered_at
from mizzen.state.records import DecisionRecord, RunRecord, WindowRecord

ATTEMPTS = 3  # of one retraining; then it stays interrupted, which the breaker counts as a failure
_UNSURE = (RunState.QUEUED, RunState.RUNNING, RunState.INTERRUPTED)
_RETRAININGS = 20  # the newest; one goes at a time, so that older ones have ended


def pending(workspace: Workspace) -> list[WindowRecord]:
    """Alarms about the champion without an answer. The newest first: it says how things are now;
    older ones are answered after it."""
    return workspace.state.monitoring.pending_alarms(workspace.spec.name)[::-1]


def request_for(workspace: Workspace, alarm: WindowRecord) -> RetrainRequest:
    """What an alarm asks the guard for."""
    count = alarms_in_a_row(_verdicts_until(workspace, alarm))
    return RetrainRequest(alarm.id, cast(Cause, alarm.kind), count, version=alarm.version)


def time_of(workspace: Workspace, alarm: WindowRecord, now: datetime) -> datetime:
    """The trigger's time of an alarm; see `answered_at`."""
    return answered_at(alarm.end, length_of(workspace), now)


def interrupted(workspace: Workspace) -> Iterator[tuple[DecisionRecord, RunRecord]]:
    """Retrainings of this machine that a kill interrupted; see `may_resume`.

    One whose champion was replaced is withdrawn: nothing that it trains could be promoted.
    """
    name, state = workspace.spec.name, workspace.state
    promoted = state.models.champion(name)
    champion = None if promoted is None else promoted.version
    for each in state.monitoring.retrainings(name, _RETRAININGS):
        if each.decision.run is None or each.state not in _UNSURE:
            continue
        run = finalize.detect_interrupted(workspace, state.runs.get(name, each.decision.run))
        if run.state is not RunState.INTERRUPTED or workspace.elsewhere(run):
            continue
        if run_lock.is_owned(Path(run.folder)):  # somebody resumes it at this very moment
            continue
        if run.champion != champion:
            finalize.mark_withdrawn(workspace, run, acquire(workspace, run.id))
        else:
            yield each.decision, run


def may_resume(run: RunRecord) -> bool:
    """Whether an interrupted run is worth another attempt."""
    return run.attempts < ATTEMPTS


def _verdicts_until(workspace: Workspace, alarm: WindowRecord) -> list[bool]:
    """Verdicts up to this one, oldest first. Windows that overlap count once: looking twice
    makes no second alarm."""
    verdicts, begin = [alarm.alarm], alarm.start
    monitoring, name = workspace.state.monitoring, workspace.spec.name
    same = monitoring.newest_windows(name, MOST, kind=alarm.kind, version=alarm.version)
    for window in same:
        if window.judged and begin is not None and window.end <= begin:
            verdicts.append(window.alarm)
            begin = window.start
    return verdicts[::-1]
