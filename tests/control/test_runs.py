"""A run's life: executed, failed, killed, resumed, cancelled; always seen as it is."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from tiny_plans import STEPS, judged, waiting
from typer.testing import CliRunner

from mizzen.cli.app import app
from mizzen.cli.show import comparison_rows
from mizzen.control.runs import lease, run_lock
from mizzen.control.runs.compare import compare_runs
from mizzen.control.runs.finalize import failure
from mizzen.control.runs.submit import PreparedRun, cancel, execute, prepare_resume
from mizzen.control.workspace import Workspace
from mizzen.core.plan import Constant, Plan, Task
from mizzen.core.runs import RunState, StepEvent, StepState
from mizzen.errors import (
    Conflict,
    IntegrityError,
    InvalidData,
    MizzenError,
    NotFound,
    TemporaryError,
    UserError,
)
from mizzen.project import Project, Run
from mizzen.state.records import lease_name

Make = Callable[..., PreparedRun]


def refused_plan() -> Plan:
    return judged(blessed=False)


def test_a_run_keeps_its_steps_and_figures(workspace: Workspace, write: Make) -> None:
    seen: list[StepEvent] = []
    run = execute(write(refused_plan(), title="first"), seen.append)
    assert run.state is RunState.SUCCEEDED
    assert run.version is None
    found = workspace.state.runs.steps_of(run.project, run.id)
    assert [(s.name, s.state) for s in found] == [("evaluate", StepState.SUCCEEDED)]
    assert found[0].figures["reason"] == "not better"
    assert seen[-1].figures["value"] == 0.8


def test_an_unchanged_run_is_cached_and_starts_no_tracker(
    workspace: Workspace, write: Make
) -> None:
    execute(write(refused_plan()))
    second = execute(write(refused_plan()))
    states = [step.state for step in workspace.state.runs.steps_of("shop", second.id)]
    assert states == [StepState.CACHED]
    assert not (Path(second.folder) / "tracking.log").exists()


def test_a_comparison_shows_only_what_differs(workspace: Workspace, write: Make) -> None:
    one, same = execute(write(refused_plan())), execute(write(refused_plan()))
    assert compare_runs(workspace, [one.id, same.id]).figures == {}
    plan = refused_plan()
    better = {"blessed": Constant(False), "value": Constant(0.9)}
    other = execute(write(replace(plan, tasks=(replace(plan.tasks[0], inputs=better),))))
    assert compare_runs(workspace, [one.id, other.id]).figures == {"evaluate.value": (0.8, 0.9)}
    found = Project(workspace).compare(one.id, same.id, other.id)
    assert found.names == (one.id, same.id, other.id)
    assert found.figures == {"evaluate.value": (0.8, 0.8, 0.9)}
    assert list(comparison_rows(found.figures)) == [("evaluate.value", "0.8", "0.8", "0.9")]
    shown = CliRunner().invoke(app, ["runs", "compare", *found.names, "-C", str(workspace.folder)])
    assert (shown.exit_code, "change" in shown.stdout) == (0, False), shown.output
    assert all(name in shown.stdout for name in found.names)


def test_one_run_alone_is_not_compared(workspace: Workspace, write: Make) -> None:
    run = execute(write(refused_plan()))
    with pytest.raises(UserError, match="two or more"):
        Project(workspace).compare(run.id)
    with pytest.raises(UserError, match="two or more"):
        Project(workspace).compare(1)


def test_a_failed_run_says_where_and_resumes_from_there(
    workspace: Workspace, write: Make, tmp_path: Path
) -> None:
    fixed = tmp_path / "fixed"
    failing = Task(
        "fail",
        f"{STEPS}:fail",
        {"unless": Constant(str(fixed))},
        after=frozenset({"evaluate"}),
        cache=False,
    )
    plan = Plan("tiny", (*refused_plan().tasks, failing), refused_plan().arguments)
    failed = execute(write(plan))
    assert failed.state is RunState.FAILED
    assert failed.error is not None
    assert failed.error["step"] == "fail"
    assert "the trainer raised" in failed.error["message"]
    assert failure(failed).retryable
    fixed.touch()
    resumed = execute(prepare_resume(workspace, failed.id))
    assert resumed.state is RunState.SUCCEEDED
    assert resumed.attempts == 2
    assert resumed.error is None


@pytest.mark.parametrize("kind", [InvalidData, IntegrityError, TemporaryError])
def test_a_run_whose_step_failed_is_worth_another_try_where_the_step_is(
    kind: type[MizzenError], workspace: Workspace, write: Make
) -> None:
    run = replace(write(judged()).run, error={"step": "train", **kind("why").as_dict()})
    assert failure(run).as_dict()["retryable"] is kind.retryable


def test_a_run_that_succeeded_is_not_resumed(workspace: Workspace, write: Make) -> None:
    run = execute(write(refused_plan()))
    with pytest.raises(Conflict, match="succeeded"):
        prepare_resume(workspace, run.id)


SUBMIT = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from tiny_plans import judged, waiting
from mizzen.control.runs.request import RunRequest
from mizzen.control.runs.finalize import failure
from mizzen.control.runs.submit import execute, write_down
from mizzen.control.workspace import open_workspace
workspace = open_workspace(Path(sys.argv[1]))
plan = judged(blessed=False, before=(waiting(Path(sys.argv[2])),))
prepared = write_down(workspace, RunRequest(), plan, {}, datetime.now(UTC))
Path(sys.argv[3]).write_text(prepared.run.id)
execute(prepared)
"""


def start_apart(workspace: Workspace, tmp_path: Path) -> tuple[subprocess.Popen[bytes], str, Path]:
    waits, told = tmp_path / "waits", tmp_path / "run id"
    arguments = [workspace.folder, waits, told]
    process = subprocess.Popen([sys.executable, "-c", SUBMIT, *map(str, arguments)])
    until(lambda: waits.exists() or process.poll() is not None)
    assert process.poll() is None
    return process, told.read_text(), waits


def until(condition: object, seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.02)


def test_a_run_whose_process_was_killed_is_interrupted_and_resumes(
    workspace: Workspace, tmp_path: Path
) -> None:
    process, run_id, waits = start_apart(workspace, tmp_path)
    assert Run(workspace, run_id).state is RunState.RUNNING
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    until(lambda: not run_lock.is_owned(workspace.runs / run_id))
    assert Run(workspace, run_id).state is RunState.INTERRUPTED
    (tmp_path / "waits.go").touch()
    waits.unlink()
    resumed = execute(prepare_resume(workspace, run_id))
    assert resumed.state is RunState.SUCCEEDED
    assert resumed.attempts == 2


def test_a_driver_that_slept_past_its_lease_writes_nothing_when_it_wakes(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    profile = workspace.folder / "profiles" / "local.yaml"
    profile.write_text(profile.read_text() + "lease: 1s\n")
    process, run_id, _ = start_apart(workspace, tmp_path)
    process.send_signal(signal.SIGSTOP)
    monkeypatch.setattr(lease, "_machine", lambda: "another-machine")
    until(lambda: Run(workspace, run_id).state is RunState.INTERRUPTED)
    ended = workspace.state.runs.get("shop", run_id)
    (tmp_path / "waits.go").touch()
    process.send_signal(signal.SIGCONT)
    assert process.wait(60) != 0
    assert workspace.state.runs.get("shop", run_id) == ended
    assert workspace.state.models.all_versions("shop") == []


def test_a_run_whose_driver_lives_elsewhere_is_left_alone(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    profile = workspace.folder / "profiles" / "local.yaml"
    profile.write_text(profile.read_text() + "lease: 1s\n")
    process, run_id, _ = start_apart(workspace, tmp_path)
    monkeypatch.setattr(lease, "_machine", lambda: "another-machine")
    epoch = workspace.state.leases.get(lease_name(run_id))
    for _ in range(6):  # longer than its lease lasts: it is renewed
        assert Run(workspace, run_id).state is RunState.RUNNING
        time.sleep(0.3)
    monkeypatch.undo()
    (tmp_path / "waits.go").touch()
    process.wait(60)
    assert Run(workspace, run_id).state is RunState.SUCCEEDED
    found = workspace.state.leases.get(lease_name(run_id))
    assert epoch is not None
    assert found is not None
    assert (found.epoch, found.driver) == (epoch.epoch, "")  # it let go


def test_a_running_run_is_cancelled_from_another_process(
    workspace: Workspace, tmp_path: Path
) -> None:
    process, run_id, _ = start_apart(workspace, tmp_path)
    with pytest.raises(Conflict, match="another process"):
        prepare_resume(workspace, run_id)
    assert cancel(workspace, run_id).state is RunState.CANCELLED
    process.wait(60)
    with pytest.raises(Conflict, match="has ended"):
        cancel(workspace, run_id)


def test_a_run_that_another_machine_cancels_stops_its_steps_and_ends_as_cancelled(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    profile = workspace.folder / "profiles" / "local.yaml"
    profile.write_text(profile.read_text() + "lease: 1s\n")
    process, run_id, _ = start_apart(workspace, tmp_path)
    monkeypatch.setattr(Workspace, "elsewhere", lambda _workspace, _run: True)
    assert cancel(workspace, run_id).state is RunState.CANCELLED
    assert process.wait(60) == 0  # though nobody lets its step go on
    assert workspace.state.runs.get("shop", run_id).state is RunState.CANCELLED


def test_a_notebook_watches_a_run_of_another_thread(
    workspace: Workspace, write: Make, tmp_path: Path
) -> None:
    plan = judged(blessed=False, before=(waiting(tmp_path / "w"),))
    prepared = write(plan)
    thread = threading.Thread(target=execute, args=(prepared,))
    thread.start()
    run = Project(workspace).run_info(prepared.run.id)
    seen = []
    for step in run.follow():
        seen.append((step.name, step.state))
        (tmp_path / "w.go").touch()
    thread.join()
    assert ("wait", StepState.RUNNING) in seen
    assert seen[-1] == ("evaluate", StepState.SUCCEEDED)
    assert run.wait(1).figures["evaluate"]["metric"] == "roc_auc"
    assert "judging" in run.logs("evaluate")


def test_an_unknown_run_names_the_newest_ones(workspace: Workspace, write: Make) -> None:
    run = execute(write(refused_plan()))
    assert Project(workspace).run_info(run.id[:-3]).id == run.id
    with pytest.raises(NotFound, match=run.id):
        Project(workspace).run_info("nothing")
    with pytest.raises(NotFound):
        Project(workspace).run_info("%")


def test_a_run_without_a_version_changes_no_champion(workspace: Workspace, write: Make) -> None:
    execute(write(refused_plan()))
    assert workspace.state.models.champion("shop") is None
    assert workspace.state.models.all_versions("shop") == []
