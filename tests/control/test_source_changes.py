"""A run is of the data that its submission saw, whatever lies there later; or it fails."""

from __future__ import annotations

import shutil
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from mizzen.adapters.cache import StepKeys
from mizzen.adapters.local_runner.input_resolver import InputResolver
from mizzen.control.check.checks import check
from mizzen.control.runs.request import RunRequest
from mizzen.control.runs.submit import PreparedRun, execute, prepare, prepare_resume
from mizzen.control.workspace import Workspace
from mizzen.core.plan import Plan
from mizzen.core.runs import RunState, StepEvent, StepState
from mizzen.errors import InvalidProject
from mizzen.state.records import RunRecord
from mizzen_pipelines.compile import plan as compiled_plan


@pytest.fixture
def halting(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    """Its runs end after the snapshot."""

    def first_step(*arguments: Any) -> Plan:
        whole = compiled_plan(*arguments)
        return replace(whole, tasks=tuple(t for t in whole.tasks if t.name == "snapshot"))

    monkeypatch.setattr("mizzen_pipelines.compile.plan", first_step)
    return workspace


@pytest.fixture
def rows(workspace: Workspace) -> Path:
    return workspace.folder / "data" / "orders.csv"


def submitted(workspace: Workspace) -> PreparedRun:
    return prepare(workspace, RunRequest(), datetime.now(UTC))


def kept(workspace: Workspace, run: RunRecord) -> int:
    """Rows of the run's snapshot."""
    steps = workspace.state.runs.steps_of(workspace.spec.name, run.id)
    return int(next(step.figures["rows"] for step in steps if step.name == "snapshot"))


def shortened(rows: Path, by: int) -> Path:
    """Other rows, in a file beside."""
    lines = rows.read_text().splitlines(keepends=True)
    other = rows.with_suffix(".other")
    other.write_text("".join(lines[:-by]))
    return other


def test_a_source_that_was_exchanged_while_a_run_waited_fails_it_and_serves_no_later_run(
    halting: Workspace, rows: Path, tmp_path: Path
) -> None:
    count = len(rows.read_text().splitlines()) - 1
    waiting = submitted(halting)
    original = tmp_path / "original.csv"
    shutil.copy2(rows, original)
    shortened(rows, 5).replace(rows)
    run = execute(waiting)
    assert run.state is RunState.FAILED
    assert "changed since the run was submitted" in str(run.error)
    assert "orders.csv" in str(run.error)
    shutil.copy2(original, rows)
    assert kept(halting, execute(submitted(halting))) == count


def test_a_run_that_is_resumed_after_its_source_was_fixed_says_so_and_serves_no_later_run(
    halting: Workspace, rows: Path
) -> None:
    good = rows.read_text()
    rows.write_text(good.replace("ordered_at", "ordered", 1))
    broken = rows.read_text()
    run = execute(submitted(halting))
    assert "no column 'ordered_at'" in str(run.error)
    rows.write_text(good)
    resumed = execute(prepare_resume(halting, run.id))
    assert "changed since the run was submitted" in str(resumed.error)
    assert "start another run: mizzen run" in str(resumed.error)
    rows.write_text(broken)
    assert "no column 'ordered_at'" in str(execute(submitted(halting)).error)


def test_a_resumed_run_keeps_the_rows_that_it_has_already(halting: Workspace, rows: Path) -> None:
    prepared = submitted(halting)

    def interrupt(event: StepEvent) -> None:
        if (event.step, event.state) == ("snapshot", StepState.SUCCEEDED):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        execute(prepared, interrupt)
    count = kept(halting, prepared.run)
    shortened(rows, 5).replace(rows)
    assert kept(halting, execute(prepare_resume(halting, prepared.run.id))) == count


def key_of_training(workspace: Workspace) -> str:
    prepared = submitted(workspace)
    task = next(task for task in prepared.plan.tasks if task.name == "train")
    given = InputResolver(prepared.run.arguments).inputs(
        replace(
            task,
            artifacts_in=(),
            inputs={
                name: source
                for name, source in task.inputs.items()
                if name not in task.artifacts_in
            },
        )
    )
    prepared.ownership.release()
    return StepKeys(workspace.place).key(task, given.values, {})


ENVIRONED = """
import os
import pandas as pd

def load():
    frame = pd.read_csv("data/orders.csv")
    return frame.head(int(os.environ.get("SHOP_ROWS", "50")))
"""


def test_a_variable_is_in_the_key_when_it_is_declared_and_refused_when_it_is_not(
    halting: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    (halting.folder / "data.py").write_text(ENVIRONED)
    source = {"data.source": {"python": "data:load", "inputs": ["data/orders.csv"]}}
    undeclared = halting.changed(source)
    declared = undeclared.changed({"environment": ["SHOP_ROWS"]})
    monkeypatch.setenv("SHOP_ROWS", "100")
    run = execute(submitted(undeclared))
    assert "reads the environment variable SHOP_ROWS" in str(run.error)
    assert kept(halting, execute(submitted(declared))) == 100
    monkeypatch.setenv("SHOP_ROWS", "10")
    assert kept(halting, execute(submitted(declared))) == 10
    monkeypatch.delenv("SHOP_ROWS")
    assert "SHOP_ROWS" in next(f.message for f in check(declared) if f.level == "error")
    with pytest.raises(InvalidProject, match="SHOP_ROWS"):
        submitted(declared)
    assert kept(halting, execute(submitted(undeclared))) == 50


def test_a_listed_file_that_a_trainer_reads_is_in_the_key_of_its_training(
    workspace: Workspace,
) -> None:
    listed = workspace.changed(
        {"data.source": {"python": "data:load", "inputs": ["data/orders.csv", "data/weight.txt"]}}
    )
    (workspace.folder / "data.py").write_text("def load():\n    ...\n")
    weight = workspace.folder / "data" / "weight.txt"
    weight.write_text("100")
    before = key_of_training(listed)
    assert key_of_training(listed) == before
    weight.write_text("10")
    assert key_of_training(listed) != before


def test_new_rows_of_a_file_source_do_not_train_again_by_themselves(
    workspace: Workspace, rows: Path
) -> None:
    before = key_of_training(workspace)
    shortened(rows, 5).replace(rows)
    assert key_of_training(workspace) == before
