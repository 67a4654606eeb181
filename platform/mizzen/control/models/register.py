"""Any run brought back: a version of what a finished run trained, also of one that was held.

The run's own `register` step does it, with the inputs that the run's other steps left, so a
version by hand has the provenance and the checks of any other. `python -m` of this module is that
step in a process of its own.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from importlib import import_module
from pathlib import Path
from typing import Any

from mizzen.adapters import bundle
from mizzen.adapters.local_runner.input_resolver import InputResolver, Inputs
from mizzen.adapters.local_runner.run_cache import kept_result
from mizzen.control.models.promote import promote
from mizzen.control.own_process import answer_with, ask_module
from mizzen.control.runs import finalize
from mizzen.control.runs.lease import Heartbeat, acquire_locked
from mizzen.control.runs.run_lock import RunLock
from mizzen.control.runs.submit import runner_of
from mizzen.control.workspace import Workspace
from mizzen.core.plan import Plan, Task, producers
from mizzen.core.runs import StepEvent, StepState
from mizzen.errors import Conflict, NotFound, Unsupported, UserError
from mizzen.state.records import Lease, Promotion, RunRecord
from mizzen.streams import guard_streams


@dataclass(frozen=True, slots=True)
class RegisteredRun:
    """`known`: the model was this version before, registered by this run or another one."""

    run: str
    version: int
    blessed: bool
    known: bool
    promotion: Promotion | None = None


def register_run(
    workspace: Workspace, run_id: str, now: datetime, *, promoted: bool = False, reason: str = ""
) -> RegisteredRun:
    """The version of a run's model, made if there is none.

    Args:
        promoted: make it the champion too, whatever the gate said; needs a reason.

    Raises:
        UserError: to be promoted without a reason.
        Conflict: the run has not ended, or measured no model.
        NotFound: no such run, or what it made is gone.
        Unsupported: another machine has what it made.
    """
    if promoted and not reason.strip():
        raise UserError(
            "whoever promotes a run's model says why",
            given="no reason",
            next_step=f"mizzen models register {run_id} --promote --reason '...'",
        )
    run = finalize.detect_interrupted(
        workspace, workspace.state.runs.get(workspace.spec.name, run_id)
    )
    models = workspace.state.models
    known = {version.number for version in models.all_versions(run.project)}
    number = run.version or _register(workspace, run, now)
    given = promote(workspace, number, reason=reason, force=True) if promoted else None
    blessed = models.get_version(run.project, number).blessed
    return RegisteredRun(run.id, number, blessed, number in known, given)


def _register(workspace: Workspace, run: RunRecord, now: datetime) -> int:
    _refuse_unmeasured(run)
    folder = Path(run.folder)
    _refuse_elsewhere(workspace, run)
    with RunLock(folder):
        lease = acquire_locked(workspace, run.id)
        with Heartbeat(workspace, lease, lambda: None):  # what comes too late is refused
            return _register_owned(workspace, run, lease, now)


def _register_owned(workspace: Workspace, run: RunRecord, lease: Lease, now: datetime) -> int:
    try:
        plan = runner_of(workspace).stored(Path(run.folder), workspace.place).plan
    except NotFound:
        raise _gone(run, "its plan") from None
    task = _step(run, plan)
    inputs = _inputs(workspace, run, plan, task)
    _refuse_without_code(workspace, run)
    number = _call(workspace, run, task, inputs)
    _keep(workspace, run, plan, number, lease, now)
    return number


def _refuse_unmeasured(run: RunRecord) -> None:
    if not run.state.ended:
        raise Conflict(
            f"run {run.id} is {run.state}",
            allowed="a run that has ended",
            next_step=f"wait for it: mizzen runs show {run.id} --follow",
        )
    if run.evaluation is None:
        raise Conflict(
            f"run {run.id} measured no model",
            given=f"a run of kind {run.kind} that {run.state}",
            allowed="a training run that finished its step evaluate",
            next_step="mizzen runs list --verdict held",
        )


def _refuse_elsewhere(workspace: Workspace, run: RunRecord) -> None:
    if workspace.elsewhere(run):
        raise Unsupported(
            f"what run {run.id} made is on another machine",
            given=f"its folder {run.folder} is not here",
            next_step=f"there: mizzen models register {run.id}",
        )
    if not Path(run.folder).is_dir():
        raise _gone(run, "its folder")


def _refuse_without_code(workspace: Workspace, run: RunRecord) -> None:
    if run.code and not (bundle.store_of(workspace.place) / f"{run.code}.tar").exists():
        raise _gone(run, "its code bundle")


def _gone(run: RunRecord, what: str) -> NotFound:
    words = "".join(f" --set {name}={json.dumps(value)}" for name, value in run.overrides.items())
    return NotFound(
        f"run {run.id} cannot be registered: {what} is gone",
        given=run.folder,
        allowed="a run whose results are in the cache of this place",
        next_step=f"train it again: mizzen run{words}",
    )


def _step(run: RunRecord, plan: Plan) -> Task:
    found = [task for task in plan.tasks if task.name == finalize.REGISTER]
    if not found:
        raise Unsupported(
            f"the pipeline of run {run.id} registers nothing",
            given=", ".join(task.name for task in plan.tasks),
            allowed=f"a pipeline with a step {finalize.REGISTER}",
        )
    return found[0]


def _inputs(workspace: Workspace, run: RunRecord, plan: Plan, task: Task) -> Inputs:
    """The step's inputs, from what the steps before it left."""
    resolver = InputResolver(plan.bind(run.arguments))
    for name in {name for source in task.inputs.values() for name in producers(source)}:
        result = kept_result(workspace.place, Path(run.folder), name)
        if result is None:
            raise _gone(run, f"the result of step {name}")
        resolver.results[name] = result
    return resolver.inputs(task)


def _call(workspace: Workspace, run: RunRecord, task: Task, inputs: Inputs) -> int:
    paths = {name: str(artifact.path) for name, artifact in inputs.artifacts.items()}
    with tempfile.TemporaryDirectory(prefix=".register-", dir=workspace.place.home) as scratch:
        outputs = {name: str(Path(scratch) / name) for name in task.artifacts}
        told = {"values": dict(inputs.values), "paths": paths | outputs}
        answer = ask_module(
            "mizzen.control.models.register",
            [task.step],
            workspace.place,
            f"the model of run {run.id} cannot be registered",
            told=json.dumps(told),
            environment={**task.environment, "MIZZEN_RUN_ID": run.id, "MIZZEN_TASK": task.name},
        )
    return int(answer)


def _keep(
    workspace: Workspace,
    run: RunRecord,
    plan: Plan,
    number: int,
    lease: Lease,
    now: datetime,
) -> None:
    """The run has its version from now on, and its step says so."""
    state = workspace.state
    state.models.register(run.project, run.id, number)
    position = [task.name for task in plan.tasks].index(finalize.REGISTER)
    event = StepEvent(
        run.id, finalize.REGISTER, StepState.SUCCEEDED, now, figures={"version": number}
    )
    state.runs.record_step(run.project, event, position, lease)
    state.runs.change(run.project, run.id, lease, version=number)


def main(step: str) -> int:
    """Call the step's plain function with what the standard input says; print the version."""
    told: Mapping[str, Any] = json.load(sys.stdin)
    return answer_with(lambda: _version_of(step, told))


def _version_of(step: str, told: Mapping[str, Any]) -> int:
    module, _, name = step.partition(":")
    run = getattr(import_module(module), name)
    paths = {name: Path(path) for name, path in told["paths"].items()}
    return int(run(**told["values"], **paths).version)


if __name__ == "__main__":
    guard_streams()
    sys.exit(main(sys.argv[1]))
