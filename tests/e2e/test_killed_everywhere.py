"""A real project, killed with SIGKILL in each of its steps, ends as an undisturbed one does."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import mizzen
from mizzen.core.runs import RunState

ROOT = Path(__file__).resolve().parents[2]
STEPS = ("snapshot", "validate", "features", "preprocess", "train", "evaluate", "register")


def copy_of(example: str, folder: Path) -> Path:
    """The example without anybody's state, in a path with a space."""
    target = folder / "my projects" / example
    shutil.copytree(
        ROOT / "pipelines/examples" / example, target, ignore=shutil.ignore_patterns(".mizzen")
    )
    return target


def kill_in(step: str, project: Path) -> bool:
    """Start a run, kill its runner as soon as `step` runs; False when the step was not run."""
    command = [sys.executable, "-m", "mizzen", "run", "--project", str(project)]
    known = set(project.glob(".mizzen/runs/*"))
    process = subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )
    while process.poll() is None:
        for folder in set(project.glob(".mizzen/runs/*")) - known:
            if running(folder / "events.jsonl", step):
                os.kill(process.pid, signal.SIGKILL)
                process.wait()
                return True
        time.sleep(0.002)
    return False


def running(events: Path, step: str) -> bool:
    if not events.exists():
        return False
    lines = events.read_text().splitlines()
    told = [json.loads(line) for line in lines if line.endswith("}")]
    return any(event["step"] == step and event["state"] == "running" for event in told)


@pytest.mark.e2e
@pytest.mark.slow
def test_a_project_killed_in_each_step_gives_the_same_model(tmp_path: Path) -> None:
    undisturbed = mizzen.Project.open(copy_of("diabetes", tmp_path / "undisturbed"))
    expected = undisturbed.run().check().figures["train"]["weights"]

    disturbed = mizzen.Project.open(copy_of("diabetes", tmp_path / "disturbed"))
    killed = [step for step in STEPS if kill_in(step, disturbed.folder)]
    assert killed == list(STEPS)
    run = disturbed.run().check()
    assert run.state is RunState.SUCCEEDED
    assert run.figures["train"]["weights"] == expected
    # no half-registered version stays behind: what is there is whole, and one is the champion
    versions = disturbed.models()
    assert versions
    assert disturbed.champion() is not None
