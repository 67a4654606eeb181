"""The compiled pipelines of the examples, as they are committed, run whole under kfp.local: they
register a model that predicts, and every step leaves what it leaves with the local runner."""

from __future__ import annotations

import hashlib
import json
import math
import os
import re
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from mizzen.adapters.kfp.compiler import parse
from mizzen.core.ir import read
from mizzen.core.reproducible import reproducible

HERE = Path(__file__).parent
COMPILED = HERE.parents[1] / "pipelines" / "compiled"
EXAMPLES = ["diabetes", "digits", "flights"]
KINDS = ["training", "batch-inference"]
NO_RESULT = {"seconds"}  # outputs that are no result
UNRESOLVED = re.compile(r"Could not resolve|Condition evaluation failed|Skipping conditional task")
Runs = Path

# one of the tests waits for all runs: a minute on two idle cores, more beside other suites
pytestmark = [pytest.mark.slow, pytest.mark.timeout(1200)]


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Runs:
    """Every example's pipelines, run by both; see `whole_runs`."""
    folder = tmp_path_factory.mktemp("whole-runs")
    programs = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    quiet = {"JE_ARROW_MALLOC_CONF": "background_thread:false", "TMPDIR": str(folder)}
    done = subprocess.run(
        [sys.executable, str(HERE / "whole_runs.py"), str(folder)],
        env={**os.environ, **reproducible(1), **quiet, "PATH": programs},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


def left_by(runs: Runs, example: str, engine: str) -> dict[str, Any]:
    result = runs / example / f"{engine}.json"
    log = result.with_suffix(".log").read_text(errors="replace")
    assert result.exists(), log[-5000:]
    found: dict[str, Any] = json.loads(result.read_text())
    return found


def outputs(step: dict[str, Any]) -> dict[str, Any]:
    """KFP knows no null, so that a figure which is not known is not a number there."""
    return {
        name: None if isinstance(value, float) and math.isnan(value) else value
        for name, value in step["outputs"].items()
        if name not in NO_RESULT
    }


def contents(artifact: str) -> dict[str, str]:
    """Relative path -> SHA-256 of every file of an artifact."""
    top = Path(artifact)
    files = [top] if top.is_file() else sorted(file for file in top.rglob("*") if file.is_file())
    return {str(f.relative_to(top)): hashlib.sha256(f.read_bytes()).hexdigest() for f in files}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("example", EXAMPLES)
def test_every_step_of_an_example_runs_under_kfp_local(runs: Runs, example: str, kind: str) -> None:
    found = left_by(runs, example, "kfp_local")[kind]
    plan = read(parse((COMPILED / f"{example}-{kind}.yaml").read_text()))
    assert found["state"] == "FINAL"
    assert set(found["steps"]) == {task.name for task in plan.tasks}
    log = (runs / example / "kfp_local.log").read_text(errors="replace")
    assert UNRESOLVED.findall(log) == []


@pytest.mark.parametrize("example", EXAMPLES)
def test_an_example_registers_a_version_under_kfp_local(runs: Runs, example: str) -> None:
    trained = left_by(runs, example, "kfp_local")["training"]["steps"]
    assert trained["evaluate"]["outputs"]["blessed"] is True
    assert trained["register"]["outputs"]["version"] == 1
    with closing(sqlite3.connect(runs / example / "kfp_local/home/mlflow.db")) as database:
        found = database.execute("SELECT name, version FROM model_versions").fetchall()
    assert found == [(example, 1)]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("example", EXAMPLES)
def test_every_step_leaves_under_kfp_local_what_it_leaves_with_our_runner(
    runs: Runs, example: str, kind: str
) -> None:
    theirs = left_by(runs, example, "kfp_local")[kind]["steps"]
    ours = left_by(runs, example, "our_runner")[kind]
    assert ours["state"] == "succeeded", ours
    for name, step in ours["steps"].items():
        assert outputs(theirs[name]) == outputs(step), name
        assert theirs[name]["artifacts"].keys() == step["artifacts"].keys()
        for key, artifact in step["artifacts"].items():
            made = contents(artifact)
            assert made, f"{name} left an empty {key}"
            assert contents(theirs[name]["artifacts"][key]) == made, f"{name}.{key}"
