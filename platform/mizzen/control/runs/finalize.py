"""What a run's end means: its state, the version that it registered, and promotion."""

from __future__ import annotations

import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from mizzen.control.models.promote import promote_automatically
from mizzen.control.models.reconcile import reconcile
from mizzen.control.runs import run_lock
from mizzen.control.runs.evaluation import EVALUATE, evaluation_of
from mizzen.control.runs.lease import take, take_over
from mizzen.control.workspace import Workspace
from mizzen.core.runs import Outcome, RunState, StepEvent, StepState
from mizzen.errors import IntegrityError, MizzenError, StaleLease, StepFailed, TemporaryError
from mizzen.state.records import Evaluation, Lease, RunRecord, VersionRecord

REGISTER = "register"
_CANCEL_SECONDS = 30


def conclude(workspace: Workspace, run: RunRecord, outcome: Outcome, lease: Lease) -> RunRecord:
    """Record the version, promote it where the project says so, then keep how the run ended.

    In this order, each of which may be repeated: a driver that dies between leaves a run that has
    not ended and is resumed, never one that succeeded and whose model nobody promoted. The alias
    and the service follow at last: they may be away.

    Raises:
        StaleLease: somebody else drives the run by now.
        IntegrityError: its steps do not say what the pipeline's steps say.
        TemporaryError: the run ended, and what is to follow its model is away.
    """
    try:
        version = _registered(workspace, run, outcome, lease)
    except IntegrityError as error:
        mark_failed(workspace, run, error, lease)
        raise
    moved = version is not None and _promoted(workspace, version, run, lease)
    ended = {"state": outcome.state, "error": _fault(outcome)}
    workspace.state.runs.change(run.project, run.id, lease, **ended)
    if version is not None:
        _follow(workspace, moved)
    return workspace.state.runs.get(run.project, run.id)


def mark_failed(
    workspace: Workspace, run: RunRecord, error: BaseException, lease: Lease
) -> RunState:
    """The runner itself gave up: the run failed, or was cancelled, from the keyboard or by who took
    its lease."""
    told = error.as_dict() if isinstance(error, MizzenError) else {"message": repr(error)}
    cancelled = isinstance(error, KeyboardInterrupt | StaleLease)
    state = RunState.CANCELLED if cancelled else RunState.FAILED
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


def cancel_elsewhere(workspace: Workspace, run: RunRecord) -> RunRecord:
    """Cancel a run of another machine: its driver is fenced, and stops when it notices.

    Raises:
        Conflict: it succeeded meanwhile, or somebody else took it at this moment.
    """
    lease = take(workspace, run.id)
    try:
        workspace.state.runs.change(run.project, run.id, lease, state=RunState.CANCELLED)
    finally:
        workspace.state.leases.release(lease)
    return workspace.state.runs.get(run.project, run.id)


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


def _registered(
    workspace: Workspace, run: RunRecord, outcome: Outcome, lease: Lease
) -> VersionRecord | None:
    """The version that the run registered, with the verdict that the state keeps of the run."""
    found = evaluation_of(outcome.steps.get(EVALUATE))
    number = outcome.figure(REGISTER, "version")
    if outcome.state is not RunState.SUCCEEDED or found is None:
        return None
    if number is None:
        _refuse_lost(run, found, outcome.steps.get(REGISTER))
        return None
    version = workspace.state.models.register(run.project, run.id, int(number))
    workspace.state.runs.change(run.project, run.id, lease, version=version.number)
    return version


def _promoted(workspace: Workspace, version: VersionRecord, run: RunRecord, lease: Lease) -> bool:
    automatic = workspace.spec.gate.promote == "automatic"
    return automatic and promote_automatically(workspace, version, run, lease)


def _refuse_lost(run: RunRecord, found: Evaluation, step: StepEvent | None) -> None:
    """A blessed model that the pipeline was to register has a version."""
    if found.blessed and step is not None:
        raise IntegrityError(
            f"run {run.id} has a blessed model and no version of it",
            given=f"step {REGISTER} {step.state} with outputs {', '.join(step.figures) or 'none'}",
            allowed=f"an output `version` of step {REGISTER}",
            next_step=f"mizzen runs show {run.id}",
        )


def _follow(workspace: Workspace, moved: bool) -> None:
    """The registry and the service follow the champion; who is away does so the next time."""
    try:
        reconcile(workspace)
    except TemporaryError:
        if moved:
            raise


def _fault(outcome: Outcome) -> dict[str, Any] | None:
    for name, event in outcome.steps.items():
        if event.state is StepState.FAILED and event.error is not None:
            return {"step": name, **event.error}
    return None
