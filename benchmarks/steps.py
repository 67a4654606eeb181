"""What one more step costs: slope between a short and a long chain of empty steps, one run.

Every step takes a number and returns the next one, in a process of its own, after the step
before it. The same compiled pipeline runs under our runner and under kfp.local; Metaflow runs
the same chain written as a flow. Start-up and shut-down cancel out in the slope.
"""

from __future__ import annotations

import importlib.util
import json
import os
import statistics
import subprocess
import sys
import tempfile
import textwrap
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

TARGET = 25.0  # milliseconds a step
LENGTHS = (5, 25)

CHAIN = """
    from kfp import dsl

    def chain(length, bare):
        made = dsl.component(base_image="python:3.11", install_kfp_package=not bare)(add)

        @dsl.pipeline(name="chain")
        def pipeline(number: int = 0) -> int:
            for _ in range(length):
                task = made(number=number)
                task.set_env_variable("MIZZEN_STEP", "plain:add").set_caching_options(False)
                number = task.output
            return number
        return pipeline

    def add(number: int) -> int:
        return number + 1
"""
PLAIN = """
    def add(*, number: int) -> int:
        return number + 1
"""
OURS = """
    import sys, time
    from pathlib import Path
    from chain import chain
    from mizzen.adapters.kfp.compiler import compile_pipeline, parse
    from mizzen.adapters.local_runner.runner import LocalRunner
    from mizzen.core.ir import read
    from mizzen.core.place import Place
    from mizzen.ports.runner import Submission
    from mizzen.spec.profile import Profile

    plan = read(parse(compile_pipeline(chain(int(sys.argv[1]), True))))
    profile = Profile.model_validate({"apiVersion": "mizzen.dev/v1", "kind": "Profile"})
    place = Place("bench", Path("home").resolve(), profile)
    submission = Submission("run", plan, {}, place.home / "runs" / "run", place)
    begin = time.perf_counter()
    outcome = LocalRunner(place).execute(submission, lambda event: None)
    print("TOOK", time.perf_counter() - begin)
    assert list(outcome.steps.values())[-1].figures["Output"] == int(sys.argv[1])
"""
KFP_LOCAL = """
    import sys, time
    from chain import chain
    from kfp import local

    bare = sys.argv[2] == "tuned"
    local.init(local.SubprocessRunner(use_venv=not bare), pipeline_root="kfp")
    pipeline = chain(int(sys.argv[1]), bare)
    begin = time.perf_counter()
    task = pipeline()
    print("TOOK", time.perf_counter() - begin)
    assert task.output == int(sys.argv[1])
"""
METAFLOW = """
    from metaflow import FlowSpec, step

    class ChainFlow(FlowSpec):
        @step
        def start(self):
            self.number = 0
            self.next(self.step1)
    {steps}
        @step
        def end(self):
            assert self.number == {length}

    if __name__ == "__main__":
        ChainFlow()
"""
METAFLOW_STEP = """
        @step
        def step{n}(self):
            self.number += 1
            self.next(self.{next})
"""


def run(quick: bool = False) -> list[dict[str, Any]]:
    """One row per runner: milliseconds a step, and how many times ours that is."""
    rounds = 1 if quick else 3
    with tempfile.TemporaryDirectory(prefix="bench-steps-") as name:
        folder = Path(name)
        ours = _slope(_python(folder, OURS), LENGTHS, rounds)
        rows = [_row("mizzen", ours, ours)]
        tuned = _slope(_python(folder, KFP_LOCAL, "tuned"), LENGTHS, rounds)
        rows.append(_row("kfp.local, tuned (no venv, no pip)", tuned, ours))
        rows.append(_attempted("Metaflow", lambda: _metaflow(folder, rounds), ours))
        if not quick:
            default = _python(folder, KFP_LOCAL, "default")
            rows.append(_attempted("kfp.local, default", lambda: _slope(default, (1, 3), 1), ours))
    return rows


def _row(what: str, seconds: float, ours: float) -> dict[str, Any]:
    row: dict[str, Any] = {"what": what, "ms_per_step": round(seconds * 1000, 1)}
    if what == "mizzen":
        return {**row, "ratio": 1.0, "target": TARGET, "met": seconds * 1000 <= TARGET}
    return {**row, "ratio": round(seconds / ours, 1)}


def _attempted(what: str, measure: Callable[[], float], ours: float) -> dict[str, Any]:
    try:
        return _row(what, measure(), ours)
    except (OSError, subprocess.SubprocessError) as error:
        reason = (getattr(error, "stderr", "") or str(error)).strip().splitlines()[-1:]
        return {"what": what, "skipped": " ".join(reason)}


def _slope(measure: Callable[[int], float], lengths: tuple[int, int], rounds: int) -> float:
    short, long = lengths
    found = [(measure(long) - measure(short)) / (long - short) for _ in range(rounds)]
    return statistics.median(found)


def _python(folder: Path, script: str, *arguments: str) -> Callable[[int], float]:
    def measure(length: int) -> float:
        with tempfile.TemporaryDirectory(dir=folder) as work:
            for name, text in (("chain", CHAIN), ("plain", PLAIN), ("main", script)):
                (Path(work) / f"{name}.py").write_text(textwrap.dedent(text))
            command = [sys.executable, "main.py", str(length), *arguments]
            return _took(_output(command, Path(work)))

    return measure


def _took(output: str) -> float:
    lines = [line for line in output.splitlines() if line.startswith("TOOK ")]
    return float(lines[-1].split()[1])


def _output(command: list[str], folder: Path, **environment: str) -> str:
    # kfp.local starts `python3` of the path; caches and temporary files stay in the folder
    programs = os.pathsep.join([str(Path(command[0]).parent), os.environ["PATH"]])
    return subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, "PATH": programs, "TMPDIR": str(folder), **environment},
        capture_output=True,
        text=True,
        check=True,
    ).stdout


def _metaflow(folder: Path, rounds: int) -> float:
    python = _metaflow_python(folder)

    def measure(length: int) -> float:
        with tempfile.TemporaryDirectory(dir=folder) as work:
            flow = Path(work) / "flow.py"
            flow.write_text(_flow(length))
            home = {"METAFLOW_HOME": work, "METAFLOW_USER": "bench", "HOME": work}
            begin = time.perf_counter()
            _output([python, "flow.py", "--quiet", "run"], Path(work), **home)
            return time.perf_counter() - begin

    return _slope(measure, LENGTHS, rounds)


def _flow(length: int) -> str:
    names = [*(f"step{n}" for n in range(2, length + 1)), "end"]
    steps = "".join(METAFLOW_STEP.format(n=n, next=name) for n, name in enumerate(names, start=1))
    return (
        textwrap.dedent(METAFLOW)
        .replace("{steps}", textwrap.dedent(steps).replace("\n", "\n    "))
        .replace("{length}", str(length))
    )


def _metaflow_python(folder: Path) -> str:
    if importlib.util.find_spec("metaflow") is not None:
        return sys.executable
    environment = folder / "metaflow"
    if not environment.exists():
        _output([sys.executable, "-m", "venv", str(environment)], folder)
        pip = [str(environment / "bin" / "python"), "-m", "pip", "install", "-q", "metaflow"]
        _output(pip, folder)
    return str(environment / "bin" / "python")


if __name__ == "__main__":
    for line in run(quick="--quick" in sys.argv):
        print(json.dumps(line))
