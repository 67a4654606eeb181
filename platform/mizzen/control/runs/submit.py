"""From a request to a run: everything is checked and written down before the first step.

`prepare` makes the run, `execute` executes it in this process, `execute_detached` in a
process of its own; `resume` and `cancel` work from any process. What a run leads to (a
version, a promotion) is in `conclude`.
"""

from __future__ import annotations

import hashlib
import json
import secrets
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from mizzen.adapters import bundle
from mizzen.adapters.backends import load_backend
from mizzen.adapters.files.folders import make_home
from mizzen.control.check import dependencies
from mizzen.control.runs import finalize, run_lock
from mizzen.control.runs.inputs import pack_code, source_digest
from mizzen.control.runs.lease import Heartbeat, acquire, acquire_locked
from mizzen.control.runs.observers import OnEvent, all_of, state_writer
from mizzen.control.runs.preflight import check_resources, this_machine
from mizzen.control.runs.request import RunRequest, SubmittedRun, read_request
from mizzen.control.runs.revision import revision_of
from mizzen.control.runs.tracking import Tracking
from mizzen.control.timestamps import canonical, refuse_future
from mizzen.control.workspace import Workspace
from mizzen.core.plan import Plan
from mizzen.core.plan_json import to_json
from mizzen.core.runs import Outcome, RunState
from mizzen.errors import Conflict, NotFound, StaleLease, UserError
from mizzen.ports.runner import Runner, Submission
from mizzen.spec.project import ProjectSpec
from mizzen.state.records import Lease, RunRecord

# Arguments that say where a model comes from, not what it is.
PROVENANCE = frozenset({"champion", "git_commit", "git_dirty"})
PROJECT_DIR = "MIZZEN_PROJECT_DIR"  # where steps find a project's data files


@dataclass(frozen=True)
class PreparedRun:
    """A run that is written down and owned by this process, but not started. `lease`: by which
    the state knows this process as its driver."""

    workspace: Workspace
    run: RunRecord
    plan: Plan
    cache: bool
    ownership: run_lock.RunLock
    lease: Lease

    def withdraw(self) -> None:
        """It is not to begin."""
        finalize.mark_withdrawn(self.workspace, self.run, self.lease)
        self.ownership.release()


def prepare(workspace: Workspace, request: RunRequest, now: datetime) -> PreparedRun:
    """Check the request, pack the code, compile the plan, write the run down.

    Raises:
        UserError: the project, its data's place, the window or the machine does not fit.
    """
    workspace = workspace.changed(request.overrides)
    _check(workspace, request)
    plan = _plan(workspace, workspace.spec, request.kind)
    return write_down(workspace, request, plan, _arguments(workspace, request, plan), now)


def write_down(
    workspace: Workspace,
    request: RunRequest,
    plan: Plan,
    arguments: Mapping[str, Any],
    now: datetime,
) -> PreparedRun:
    """A run of this plan in the state and in a folder of its own, owned by this process."""
    spec, bound = workspace.spec, plan.bind(arguments)
    champion = bound.get("champion", "")
    run_id = f"{now.astimezone(UTC):%Y%m%d-%H%M%S}-{secrets.token_hex(3)}"
    folder = workspace.runs / run_id
    record = RunRecord(
        id=run_id,
        project=spec.name,
        kind=request.kind,
        title=request.title or request.kind,
        state=RunState.QUEUED,
        trigger=request.trigger,
        arguments=bound,
        plan=_digest(plan),
        code=bound.get("code", ""),
        folder=str(folder),
        created_at=now,
        champion=int(champion) if champion else None,
        overrides={**workspace.overrides, **request.overrides},
    )
    make_home(workspace.place.home)
    ownership = run_lock.RunLock(folder)
    SubmittedRun(request.kind, spec, bound, request.cache).write(folder)
    _share_code(workspace, record.code, now)
    lease = acquire(workspace, run_id)
    workspace.state.runs.add(record, str(workspace.folder))
    return PreparedRun(workspace, record, plan, request.cache, ownership, lease)


def execute(prepared: PreparedRun, on_event: OnEvent | None = None) -> RunRecord:
    """Execute the run to its end in this process, and what follows from it.

    Raises:
        StaleLease: somebody else drives the run by now, as after a sleep of this machine.
    """
    try:
        return _drive(prepared, on_event)
    except StaleLease:
        run = prepared.workspace.state.runs.get(prepared.run.project, prepared.run.id)
        if run.state is RunState.CANCELLED:  # from another machine, which took the lease
            return run
        raise


def _drive(prepared: PreparedRun, on_event: OnEvent | None) -> RunRecord:
    workspace, run, lease = prepared.workspace, prepared.run, prepared.lease
    folder, runner = Path(run.folder), runner_of(prepared.workspace)
    tracking = Tracking(workspace.place, run.id, run.title, _shown(workspace, run), folder)
    observers: list[OnEvent] = [state_writer(workspace.state, run.project, prepared.plan, lease)]
    observers += [tracking] if workspace.place.profile.tracking.runs else []
    observers += [on_event] if on_event else []
    submission = Submission(
        run_id=run.id,
        plan=prepared.plan,
        arguments=run.arguments,
        folder=folder,
        place=workspace.place,
        cache=prepared.cache,
        environment={PROJECT_DIR: str(workspace.folder)},
    )
    with prepared.ownership, Heartbeat(workspace, lease, lambda: runner.cancel(folder)):
        workspace.state.runs.change(run.project, run.id, lease, **_attempt(run))
        try:
            outcome = runner.execute(submission, all_of(observers))
        except BaseException as error:
            state = finalize.mark_failed(workspace, run, error, lease)
            tracking.finish(Outcome(run.id, state, {}))
            raise
        tracking.finish(outcome)
        return finalize.conclude(workspace, run, outcome, lease)


def execute_detached(prepared: PreparedRun) -> RunRecord:
    """Execute the run in a process of its own, which outlives this one."""
    workspace, run = prepared.workspace, prepared.run
    descriptor = prepared.ownership.descriptor
    lease = [prepared.lease.holder, str(prepared.lease.epoch)]
    arguments = [str(workspace.folder), workspace.profile, run.id, str(descriptor), *lease]
    with (Path(run.folder) / "control.log").open("ab") as log:
        subprocess.Popen(
            [sys.executable, "-m", "mizzen.control.runs.background", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            pass_fds=[descriptor],
            start_new_session=True,
            umask=0o077,
        )
    prepared.ownership.release()
    return run


def prepare_resume(
    workspace: Workspace,
    run_id: str,
    descriptor: int | None = None,
    lease: Lease | None = None,
) -> PreparedRun:
    """A run that ended early, ready to go on from its last finished step, as it was submitted.

    Args:
        descriptor, lease: of the process that submitted the run and handed it on.

    Raises:
        Conflict: it succeeded, or a process is carrying it out.
    """
    run = workspace.state.runs.get(workspace.spec.name, run_id)
    if run.state is RunState.SUCCEEDED:
        raise Conflict(
            f"run {run.id} succeeded",
            allowed="a run that failed, was cancelled or interrupted",
            next_step="start another one: mizzen run",
        )
    folder = Path(run.folder)
    written = read_request(folder)
    dependencies.require(written.spec)
    if written.kind == "training" and run.code:  # a registered version outlives its secrets
        home = workspace.place.home
        bundle.check_secrets(bundle.open_code(workspace.place, run.code), home)
    ownership = run_lock.RunLock(folder, descriptor)
    try:
        lease = lease or acquire_locked(workspace, run.id)
    except BaseException:
        ownership.release()
        raise
    try:
        plan = runner_of(workspace).stored(folder, workspace.place).plan
    except NotFound:  # it never came to its first step
        plan = _plan(workspace, written.spec, written.kind)
    return PreparedRun(
        workspace.described(written.spec), run, plan, written.cache, ownership, lease
    )


def cancel(workspace: Workspace, run_id: str) -> RunRecord:
    """Stop a run. Of this machine: returns once no step of it runs. Of another machine: its driver
    writes nothing from now on, and stops its steps when it next renews its lease.

    Raises:
        Conflict: it has ended already.
    """
    run = finalize.detect_interrupted(
        workspace, workspace.state.runs.get(workspace.spec.name, run_id)
    )
    if run.state.ended:
        raise Conflict(f"run {run.id} has ended: {run.state}", next_step="mizzen runs list")
    if workspace.elsewhere(run):
        return finalize.cancel_elsewhere(workspace, run)
    runner_of(workspace).cancel(Path(run.folder))
    return finalize.wait_cancelled(workspace, run)


def runner_of(workspace: Workspace) -> Runner:
    """The runner that the profile names."""
    runner: Runner = load_backend("runner", workspace.place.profile.runner)(workspace.place)
    return runner


def _share_code(workspace: Workspace, code: str, now: datetime) -> None:
    """A state that others read holds the code too: they have no folder of the project."""
    if workspace.place.profile.control.url is None or not code:
        return
    if not workspace.state.bundles.has(code):
        archive = bundle.store_of(workspace.place) / f"{code}.tar"
        workspace.state.bundles.put(code, archive.read_bytes(), now)


def _shown(workspace: Workspace, run: RunRecord) -> dict[str, Any]:
    """What the run's page says that it was done with: a model's hyper-parameters under the names
    that mizzen.yaml and `--set` know, and the run's arguments."""
    trainer = workspace.spec.trainer
    learnt = {f"trainer.parameters.{name}": value for name, value in trainer.parameters.items()}
    trained = {"trainer.kind": trainer.kind, **learnt} if run.kind == "training" else {}
    return {**trained, **run.overrides, **run.arguments}


def _attempt(run: RunRecord) -> dict[str, Any]:
    """What this process, which alone carries the run out, sets at its start."""
    first = run.state is RunState.QUEUED
    attempts = run.attempts if first else run.attempts + 1
    return {"state": RunState.RUNNING, "attempts": attempts, "error": None}


def _plan(workspace: Workspace, spec: ProjectSpec, kind: str) -> Plan:
    from mizzen_pipelines.compile import plan

    return plan(spec, kind, workspace.place.home / "compiled")


def _digest(plan: Plan) -> str:
    return hashlib.sha256(json.dumps(to_json(plan), sort_keys=True).encode()).hexdigest()


def _check(workspace: Workspace, request: RunRequest) -> None:
    windowed = request.start is not None or request.end is not None
    if windowed and workspace.spec.data.event_time is None:
        raise UserError(
            "a window of time needs rows with a time",
            given="--from or --until",
            next_step="name the column with `data.event_time`, or leave the window out",
        )
    if request.kind == "training" and request.end is not None:
        refuse_future(request.end)  # labels that nobody knows yet would count as complete
    if workspace.place.profile.runner == "local":  # a cluster's images are checked by themselves
        dependencies.require(workspace.spec)
    resources = workspace.spec.trainer.resources
    machine = this_machine(with_gpus=resources.gpu is not None)
    check_resources(resources, machine, workspace.place.profile.runner)


def _arguments(workspace: Workspace, request: RunRequest, plan: Plan) -> dict[str, Any]:
    wanted = {argument.name for argument in plan.arguments}
    revision = revision_of(workspace.folder)
    champion = workspace.state.models.champion(workspace.spec.name)
    arguments: dict[str, Any] = {
        # a registered version's own, where the request says so
        "code": request.arguments.get("code") or pack_code(workspace),
        "source_digest": source_digest(workspace),
        "start": canonical(request.start),
        "end": canonical(request.end),
        "champion": "" if champion is None else str(champion.version),
        "git_commit": revision.commit,
        "git_dirty": revision.dirty,
        "seed": workspace.spec.trainer.seed,
        **request.arguments,
    }
    arguments = {name: value for name, value in arguments.items() if name in wanted}
    if champion is not None and request.kind == "training":
        arguments |= _as_before(workspace, champion.version, _digest(plan), arguments)
    return arguments


def _as_before(
    workspace: Workspace, champion: int, plan: str, arguments: Mapping[str, Any]
) -> dict[str, Any]:
    """A candidate is not judged against itself: where the champion came from the same plan,
    code, data and window, its own run is repeated, with what it was judged against then."""
    for run in workspace.state.runs.with_version(workspace.spec.name, champion):
        same = all(run.arguments.get(k) == v for k, v in arguments.items() if k not in PROVENANCE)
        if same and run.plan == plan:
            return {name: run.arguments[name] for name in PROVENANCE if name in run.arguments}
    return {}
