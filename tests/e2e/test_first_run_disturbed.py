"""The first run of a project ends anyhow, anywhere: the project is never unusable afterwards."""

from __future__ import annotations

import json
import os
import random
import resource
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from mizzen.adapters.local_runner.processes import children, descendants
from mizzen.control.scaffold import create
from mizzen.core.runs import RunState
from mizzen.errors import Conflict
from mizzen.project import Project, Run
from mizzen_tests.soak import examples

STEPS = (
    *("register", "snapshot", "validate", "features", "preprocess", "baseline"),
    *("train", "evaluate"),
)
SEED = 20261127


@dataclass(frozen=True)
class Disturbance:
    """`seconds`: into the step, until the signal. `limit`: bytes that a file may have, which for
    a program is a full disk."""

    kind: str
    step: str
    seconds: float
    limit: int

    @classmethod
    def drawn(cls, number: int) -> Disturbance:
        draw = random.Random(SEED + number)
        step = STEPS[number % len(STEPS)]
        kind = draw.choice(["killed", "all killed", "interrupted", "full"])
        longest = 12.0 if step == "register" else 2.0
        return cls(kind, step, draw.uniform(0, longest), int(10 ** draw.uniform(2.5, 6)))


def run_disturbed(project: Path, how: Disturbance) -> None:
    """Start the first run in a process of its own, and end or hinder it."""
    full = (resource.RLIMIT_FSIZE, (how.limit, how.limit))
    process = subprocess.Popen(
        [sys.executable, "-m", "mizzen", "run", "--project", str(project)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        preexec_fn=(lambda: resource.setrlimit(*full)) if how.kind == "full" else None,  # noqa: PLW1509
    )
    while how.kind != "full" and process.poll() is None and not begun(project, how.step):
        time.sleep(0.005)
    if how.kind != "full" and process.poll() is None:
        time.sleep(how.seconds)
        end(process, how.kind)
    process.wait()


def end(process: subprocess.Popen[bytes], kind: str) -> None:
    if kind == "all killed":
        for pid in (*descendants(process.pid), process.pid):
            with_signal(pid, signal.SIGKILL)
    elif kind == "interrupted":
        os.killpg(process.pid, signal.SIGINT)  # as the terminal does: steps have their own group
    else:
        process.kill()


def with_signal(pid: int, number: int) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        assert pid not in children(os.getpid())


def begun(project: Path, step: str) -> bool:
    for events in project.glob(".mizzen/runs/*/events.jsonl"):
        lines = [line for line in events.read_text().splitlines() if line.endswith("}")]
        if any(json.loads(line)["step"] == step for line in lines):
            return True
    return False


def resumed(project: Project, run_id: str) -> Run:
    """On a busy machine the last steps of a killed run may outlive it for some seconds."""
    until = time.monotonic() + 120
    while True:
        try:
            return project.resume(run_id)
        except Conflict:
            if time.monotonic() > until:
                raise
            time.sleep(1)


@pytest.mark.soak
@pytest.mark.slow
@pytest.mark.e2e
@pytest.mark.timeout(0)
def test_a_first_run_that_was_killed_interrupted_or_out_of_space_leaves_a_usable_project(
    tmp_path: Path,
) -> None:
    first = int(os.environ.get("MIZZEN_SOAK_FIRST", "0"))
    for number in range(first, first + examples(2, 200)):
        how = Disturbance.drawn(number)
        folder = create(tmp_path / f"trial {number}" / "shop")
        run_disturbed(folder, how)
        project = Project.open(folder)
        try:
            for record in project.runs():
                if record.state is not RunState.SUCCEEDED:
                    resumed(project, record.id).check()
            again = project.run().check()  # of which a resumed run leaves nothing to compute
            assert again.state is RunState.SUCCEEDED
            assert project.champion() is not None
        except Exception as error:
            error.add_note(f"trial {number}: {how}")
            raise
        print(f"trial {number}: {how}: usable", flush=True)  # noqa: T201 (what a soak shows)
