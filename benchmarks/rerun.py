"""An unchanged re-run, cold process to exit, beside `dvc repro` of ten unchanged stages.

Two rows are held to the target. The whole of `mizzen run` on an example: project and profile
read, code packed, state, promotion; a training pipeline has eight steps. And ten steps that,
like the peer's, each read the file of the step before and write one of 100 kB: a process that
imports everything that `mizzen run` imports, takes the compiled pipeline and runs it. Everything
has run once and nothing has changed since; every step is found in the cache and its outputs are
verified. The other rows say where the time of the ten steps goes.
"""

from __future__ import annotations

import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import textwrap
import time
from pathlib import Path
from typing import Any

TARGET = 0.5  # of the peer's time
STEPS = 10
EXAMPLE, EXAMPLE_STEPS = "diabetes", 8

PLAIN = """
    def first(*, out):
        out.write_bytes(bytes(100_000))

    def after(*, before, out):
        out.write_bytes(before.read_bytes()[1:] + b"x")
"""
OURS = """
    import sys, time
    begin = time.perf_counter()
    import mizzen.cli.commands.run, mizzen.control.runs.submit
    from pathlib import Path
    import json
    from mizzen.adapters.local_runner.runner import LocalRunner
    from mizzen.core.place import Place
    from mizzen.core.plan_json import from_json
    from mizzen.ports.runner import Submission
    from mizzen.spec.profile import Profile

    imported = time.perf_counter()
    plan = from_json(json.loads(Path("plan.json").read_text()))
    profile = Profile.model_validate({"apiVersion": "mizzen.dev/v1", "kind": "Profile"})
    place = Place("bench", Path("home").resolve(), profile)
    run_id = sys.argv[1]
    submission = Submission(run_id, plan, {}, place.home / "runs" / run_id, place)
    outcome = LocalRunner(place).execute(submission, lambda event: None)
    states = {event.state.value for event in outcome.steps.values()}
    print("TOOK", imported - begin, time.perf_counter() - imported, *states)
"""


def run(quick: bool = False) -> list[dict[str, Any]]:
    """Rows of seconds (median); `ratio` is our share of the peer's time."""
    rounds = 3 if quick else 9
    with tempfile.TemporaryDirectory(prefix="bench-rerun-") as name:
        folder = Path(name)
        peer = _peer(folder / "dvc")
        _prepare(folder / "ours")
        command = _example(folder / "example")
        ours, parts, theirs, whole = [], [], [], []
        for number in range(rounds):
            seconds, took = _ours(folder / "ours", f"again{number}")
            ours.append(seconds)
            parts.append(took)
            theirs.append(_timed(peer, folder / "dvc")[0])
            whole.append(_unchanged(command, folder / "example"))
    own, other = statistics.median(ours), statistics.median(theirs)
    imports = statistics.median(took[0] for took in parts)
    deciding = statistics.median(took[1] for took in parts)
    return [
        _judged(f"mizzen run, {EXAMPLE}, unchanged", statistics.median(whole), other),
        _judged(f"mizzen's runner, {STEPS} unchanged steps", own, other),
        {"what": f"dvc repro, {STEPS} unchanged stages", "seconds": round(other, 3)},
        {"what": "of the runner: imports of the command line", "seconds": round(imports, 3)},
        {"what": "of the runner: keys, verification, events", "seconds": round(deciding, 3)},
        {
            "what": "of the runner: interpreter start and exit",
            "seconds": round(own - imports - deciding, 3),
        },
    ]


def _judged(what: str, seconds: float, peer: float) -> dict[str, Any]:
    share = seconds / peer
    return {
        "what": what,
        "seconds": round(seconds, 3),
        "ratio": round(share, 2),
        "target": TARGET,
        "met": share <= TARGET,
    }


def _example(folder: Path) -> list[str]:
    source = Path(__file__).parents[1] / "pipelines" / "examples" / EXAMPLE
    shutil.copytree(source, folder, ignore=shutil.ignore_patterns(".mizzen"))
    command = [str(Path(sys.executable).with_name("mizzen")), "run"]
    for _ in range(2):  # the first makes a champion, which the second is judged against
        _timed(command, folder)
    return command


def _unchanged(command: list[str], folder: Path) -> float:
    seconds, output = _timed(command, folder)
    steps = output.partition("\nrun ")[0].splitlines()
    if len(steps) != EXAMPLE_STEPS or not all(" cached " in step for step in steps):
        raise RuntimeError(f"not every step of {EXAMPLE} was cached:\n{output}")
    return seconds


def _prepare(folder: Path) -> None:
    from mizzen.core.plan import Output, Plan, Source, Task
    from mizzen.core.plan_json import to_json

    tasks = []
    for number in range(STEPS):
        inputs: dict[str, Source] = {"before": Output(f"s{number - 1}", "out")} if number else {}
        step = "plain:after" if number else "plain:first"
        tasks.append(Task(f"s{number}", step, inputs, tuple(inputs), artifacts=("out",)))
    folder.mkdir()
    (folder / "plan.json").write_text(json.dumps(to_json(Plan("rerun", tuple(tasks)))))
    (folder / "plain.py").write_text(textwrap.dedent(PLAIN))
    (folder / "main.py").write_text(textwrap.dedent(OURS))
    _ours(folder, "first")


def _ours(folder: Path, run_id: str) -> tuple[float, tuple[float, float]]:
    seconds, output = _timed([sys.executable, "main.py", run_id], folder)
    _, imports, deciding, *states = output.splitlines()[-1].split()
    expected = ["succeeded"] if run_id == "first" else ["cached"]
    if states != expected:
        raise RuntimeError(f"steps of {run_id} are {states}, not {expected}")
    return seconds, (float(imports), float(deciding))


def _peer(folder: Path) -> list[str]:
    folder.mkdir()
    dvc = [sys.executable, "-m", "dvc"]
    (folder / "step.py").write_text(
        "import sys; from pathlib import Path\n"
        "before = Path(sys.argv[1]).read_bytes() if len(sys.argv) > 2 else bytes(100_001)\n"
        "Path(sys.argv[-1]).write_bytes(before[1:] + b'x')\n"
    )
    stages = {}
    for number in range(STEPS):
        read = [f"f{number - 1}"] if number else []
        stages[f"s{number}"] = {
            "cmd": f"{sys.executable} step.py {' '.join([*read, f'f{number}'])}",
            "deps": ["step.py", *read],
            "outs": [f"f{number}"],
        }
    (folder / "dvc.yaml").write_text(json.dumps({"stages": stages}))
    _timed([*dvc, "init", "--no-scm", "-q"], folder)
    _timed([*dvc, "repro", "-q"], folder)
    return [*dvc, "repro"]


def _timed(command: list[str], folder: Path) -> tuple[float, str]:
    environment = {**os.environ, "DVC_NO_ANALYTICS": "1"}
    begin = time.perf_counter()
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=True
    )
    return time.perf_counter() - begin, done.stdout


if __name__ == "__main__":
    for line in run(quick="--quick" in sys.argv):
        print(json.dumps(line))
