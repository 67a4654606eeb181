"""Any run that measured a model can be brought back, also one that the gate held."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from tiny_plans import judged, waiting

from mizzen.adapters.cache.store import StepCache
from mizzen.adapters.files.model_folder import read_manifest
from mizzen.control.models.register import register_run
from mizzen.control.runs.submit import PreparedRun, execute
from mizzen.control.stack.serving import package_of
from mizzen.control.workspace import Workspace
from mizzen.core.plan import Condition, Constant, Output, Plan
from mizzen.core.runs import RunState, StepState
from mizzen.errors import Conflict, NotFound, Unsupported, UserError
from mizzen.project import Project
from mizzen.state.records import RunRecord

NOW = datetime(2026, 1, 2, tzinfo=UTC)
Make = Callable[..., PreparedRun]


def held_plan() -> Plan:
    """The gate holds its model, so the register step is skipped; what it reads is there."""
    plan = judged(blessed=True)
    evaluate, register = plan.tasks
    never = Condition("'a' == 'b'")
    held = replace(evaluate, inputs={"blessed": Constant(False), "value": Constant(0.8)})
    reads = replace(
        register,
        step="tiny_steps:register_metric",
        inputs={"number": Constant(1), "metric": Output("evaluate", "metric")},
        conditions=(never,),
    )
    return replace(plan, tasks=(held, reads))


@pytest.fixture
def held(workspace: Workspace, write: Make) -> RunRecord:
    run = execute(write(held_plan(), overrides={"gate.margin": 0.5}))
    assert (run.state, run.version) == (RunState.SUCCEEDED, None)
    return run


def test_a_held_run_becomes_the_version_that_its_evaluation_describes(
    workspace: Workspace, held: RunRecord
) -> None:
    made = register_run(workspace, held.id[:-2], NOW)
    assert (made.run, made.version, made.blessed, made.known) == (held.id, 1, False, False)
    (version,) = workspace.state.models.all_versions("shop")
    assert (version.run, version.blessed, version.metric, version.value, version.reason) == (
        held.id, False, "roc_auc", 0.8, "not better",
    )  # fmt: skip
    assert workspace.state.models.champion("shop") is None
    run = Project(workspace).run_info(held.id)
    assert (run.state, run.version) == (RunState.SUCCEEDED, 1)
    assert [(step.name, step.state) for step in run.steps][-1] == ("register", StepState.SUCCEEDED)
    again = register_run(workspace, held.id, NOW)
    assert (again.version, again.known) == (1, True)
    assert len(workspace.state.models.all_versions("shop")) == 1


def test_promoting_it_needs_a_reason_before_anything_is_registered(
    workspace: Workspace, held: RunRecord
) -> None:
    with pytest.raises(UserError, match="--promote --reason"):
        register_run(workspace, held.id, NOW, promoted=True, reason=" ")
    assert workspace.state.models.all_versions("shop") == []


def test_a_run_that_still_runs_or_measured_nothing_is_refused(
    workspace: Workspace, write: Make, tmp_path: Path
) -> None:
    queued = write(held_plan())
    with pytest.raises(Conflict, match="is queued"):
        register_run(workspace, queued.run.id, NOW)
    queued.ownership.release()
    (tmp_path / "w.go").touch()
    waited = execute(write(Plan("tiny", (waiting(tmp_path / "w"),))))
    with pytest.raises(Conflict, match="measured no model"):
        register_run(workspace, waited.id, NOW)
    unregistered = execute(write(judged(blessed=False)))
    with pytest.raises(Unsupported, match="registers nothing"):
        register_run(workspace, unregistered.id, NOW)
    with pytest.raises(NotFound, match="no run 'nothing'"):
        register_run(workspace, "nothing", NOW)


def test_a_run_whose_results_are_gone_is_refused_with_the_command_that_makes_them_again(
    workspace: Workspace, held: RunRecord
) -> None:
    shutil.rmtree(StepCache(workspace.place.home)._steps)
    with pytest.raises(NotFound, match="result of step evaluate is gone") as gone:
        register_run(workspace, held.id, NOW)
    assert gone.value.next_step == "train it again: mizzen run --set gate.margin=0.5"
    shutil.rmtree(held.folder)
    with pytest.raises(NotFound, match="its folder is gone"):
        register_run(workspace, held.id, NOW)
    assert workspace.state.models.all_versions("shop") == []


def test_a_code_bundle_that_is_gone_is_named(workspace: Workspace, write: Make) -> None:
    run = execute(write(held_plan(), {"code": "0" * 64}))
    with pytest.raises(NotFound, match="its code bundle is gone"):
        register_run(workspace, run.id, NOW)


@pytest.mark.slow
def test_a_held_model_of_a_real_run_is_registered_promoted_by_force_and_served(
    workspace: Workspace,
) -> None:
    project = Project(workspace)
    run = project.run(set={"gate.floor": 0.9999})
    assert (run.state, run.version) == (RunState.SUCCEEDED, None)
    (listed,) = project.runs(verdict="held", sort="log_loss")
    assert listed.overrides == {"gate.floor": 0.9999}
    assert listed.value == listed.evaluation.metrics["log_loss"]  # type: ignore[union-attr]
    made = project.register(run.id, promote=True, reason="the floor was a test")
    assert made.promotion is not None
    assert (made.version, made.promotion.forced) == (1, True)
    assert made.promotion.reason == "the floor was a test"
    manifest, _ = read_manifest(package_of(workspace, 1))
    assert manifest.weights_hash == run.figures["train"]["weights"]
    words = [sys.executable, "-m", "mizzen", "serve", "--port", "0"]
    serving = subprocess.Popen(words, cwd=workspace.folder)
    try:
        until = time.monotonic() + 120
        while not any(s.ready for s in project.status().foreground) and time.monotonic() < until:
            time.sleep(0.2)
        (service,) = project.status().foreground
        assert (service.version, service.pid, service.ready) == (1, serving.pid, True)
    finally:
        serving.terminate()
        serving.wait(60)
    assert project.status().foreground == ()
    repeated = project.run(set={"gate.floor": 0.9998})
    assert repeated.version == 1
    assert [found.verdict for found in project.runs(2)] == ["same", "held"]
