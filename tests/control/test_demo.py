"""A story is told to its end, goes on where it was killed, and repeats nothing unchanged."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import pytest

from mizzen.control.demo.script import run_demo
from mizzen.control.stack import stack
from mizzen.control.workspace import Workspace, open_workspace
from mizzen.core.runs import RunState

STORY = """\
apiVersion: mizzen.dev/v1
kind: Demo
steps:
  - title: the first model
    train: {trainer.parameters.num_iterations: 20}
    until: "2025-04-20"
  - up: true
  - title: two months arrive
    replay: true
    from: "2025-04-20"
    until: "2025-06-10"
  - title: is it as before?
    watch: true
    until: "2025-06-10"
"""


@pytest.fixture
def told(workspace: Workspace) -> Workspace:
    """The shop with a story."""
    (workspace.folder / "demo.yaml").write_text(STORY)
    file = workspace.folder / "mizzen.yaml"
    file.write_text(file.read_text().replace("delay: 30d", "delay: 1d"))
    return open_workspace(workspace.folder)


def kill_in_training(workspace: Workspace) -> str:
    """Start the command, kill it with SIGKILL while the model is trained; the run's id."""
    words = [sys.executable, "-m", "mizzen", "demo", "--project", str(workspace.folder)]
    process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    until = time.monotonic() + 240
    try:
        while time.monotonic() < until:
            found = workspace.state.runs.newest_first("shop")
            steps = workspace.state.runs.steps_of("shop", found[0].id) if found else []
            if any(step.name == "preprocess" for step in steps):
                return found[0].id
            assert process.poll() is None, "the story ended before it could be killed"
            time.sleep(0.05)
        raise AssertionError("the story did not come to its training")
    finally:
        os.kill(process.pid, signal.SIGKILL)
        process.wait()


@pytest.mark.slow
def test_a_killed_story_goes_on_and_a_told_one_is_reused(told: Workspace) -> None:
    killed = kill_in_training(told)
    try:
        first = run_demo(told)
        assert [step.state for step in first] == ["done"] * 4
        assert first[0].result["run"] == killed
        assert first[0].result["champion"] == 1
        counts = first[2].result
        assert counts["rows"] == counts["sent"] == counts["logged"] > 100
        assert counts["labelled"] == counts["rows"]

        second = run_demo(told)
        assert [step.state for step in second] == ["reused", "done", "reused", "reused"]
        assert second[2].result["sent"] == counts["sent"]
        assert len(told.state.models.all_versions("shop")) in {1, 2}
    finally:
        stack.down(told)
    states = {run.state for run in told.state.runs.newest_first("shop")}
    assert states == {RunState.SUCCEEDED}
    assert not stack.status(told).running


def test_a_project_without_a_story_says_so(workspace: Workspace) -> None:
    words = [sys.executable, "-m", "mizzen", "demo", "--project", str(workspace.folder)]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 3
    assert "no demo.yaml" in done.stderr
