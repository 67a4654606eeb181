"""What a run's end means: its state, the version that it registered, and promotion."""

from __future__ import annotations

import time
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from mizzen.control.models.promote import promote_automatically
from mizzen.control.runs import run_lock
from mizzen.control.runs.evaluation import EVALUATE, evaluation_of
from mizzen.control.runs.lease import take_over
from mizzen.control.workspace import Workspace
from mizzen.core.runs import Outcome, RunState, StepState
from mizzen.errors import MizzenError, StaleLease, StepFailed
from mizzen.state.records import Lease, RunRecord, VersionRecord

REGISTER = "register"
_CANCEL_SECONDS = 30


def conclude(workspace: Workspace, run: RunRecord, outcome: Outcome, lease: Lease) -> RunRecord:
    """Keep how the run ended; record its version and promote it where the project says so.

    Raises:
        StaleLease: somebody else drives the run by now.
    """
    version = _registered(workspace, run, outcome)
    values: dict[str, Any] = {"state": outcome.state, "error": _fault(outcome)}
    if version is not None:
        values["version"] = version.number
    workspace.state.runs.change(run.project, run.id, lease, **values)
    if version is not None and workspace.spec.gate.promote == "automatic":
        promote_automatically(workspace, version, run, lease)
    return workspace.state.runs.get(run.project, run.id)


def mark_failed(
    workspace: Workspace, run: RunRecord, error: BaseException, lease: Lease
) -> RunState:
    """The runner itself gave up: the run failed, or was cancelled from the keyboard."""
    told = error.as_dict() if isinstance(error, MizzenError) else {"message": repr(error)}
    by_hand = isinstance(error, KeyboardInterrupt)
    state = RunState.CANCELLED if by_hand else RunState.FAILED
    with suppress(StaleLease):  # whoever drives it now says how it ends
        workspace.state.runs.change(run.project, run.id, lease, state=state, error=told)
    return state


def failure(run: RunRecord, option: str = "") -> StepFailed:
    """What the failed step of an ended run says about it, then how its log is read.

    Args:
        option: added to that command, as in ` --project shop`.
    """
    error = run.error or {}
    step, message, fix = (error.get(name) for name in ("step", "message", "next"))
    log = f"mizzen runs logs {run.id}" + (f" {step}" if step else "") + option
    where = f" in step {step}" if step else ""
    found = StepFailed(
        f"run {run.id} {run.state.value}{where}" + (f": {message}" if message else ""),
        given=error.get("given"),
        allowed=error.get("allowed"),
        next_step=f"{fix}; its log: {log}" if fix else log,
    )
    found.retryable = error.get("retryable", StepFailed.retryable)
    return found


def detect_interrupted(workspace: Workspace, run: RunRecord) -> RunRecord:
    """The run as it is: one whose driver died is `interrupted`, and kept as that."""
    return run if run.state.ended else _end(workspace, run, RunState.INTERRUPTED)


def wait_cancelled(workspace: Workspace, run: RunRecord) -> RunRecord:
    """Wait until the run's process has written down that it was cancelled."""
    until = time.monotonic() + _CANCEL_SECONDS
    while time.monotonic() < until and run_lock.is_owned(Path(run.folder)):
        time.sleep(0.05)
    return _end(workspace, run, RunState.CANCELLED)


def mark_withdrawn(workspace: Workspace, run: RunRecord, lease: Lease) -> None:
    """A run that was written down and is not to begin."""
    workspace.state.runs.change(run.project, run.id, lease, state=RunState.CANCELLED, error=None)
    workspace.state.leases.release(lease)


def _end(workspace: Workspace, run: RunRecord, state: RunState) -> RunRecord:
    """The run, ended in this state where nobody drives it and it had not ended."""
    lease = take_over(workspace, run)
    if lease is None:
        return run
    runs = workspace.state.runs
    with suppress(StaleLease):  # somebody resumes it at this very moment
        if not runs.get(run.project, run.id).state.ended:  # else it ended between the two looks
            runs.change(run.project, run.id, lease, state=state)
        workspace.state.leases.release(lease)
    return runs.get(run.project, run.id)


def _registered(workspace: Workspace, run: RunRecord, outcome: Outcome) -> VersionRecord | None:
    """The version that the run registered, with the verdict that the state keeps of the run."""
    number = outcome.figure(REGISTER, "version")
    measured = evaluation_of(outcome.steps.get(EVALUATE)) is not None
    if outcome.state is not RunState.SUCCEEDED or number is None or not measured:
        return None
    return workspace.state.models.register(run.project, run.id, int(number))


def _fault(outcome: Outcome) -> dict[str, Any] | None:
    for name, event in outcome.steps.items():
        if event.state is StepState.FAILED and event.error is not None:
            return {"step": name, **event.error}
    return None


def _now() -> datetime:
    return datetime.now(UTC)
