"""The same compiled pipeline under kfp.local and under our runner: equal outputs, and where
kfp.local is silent about a condition that cannot be evaluated, ours fails."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from mizzen.core.place import Place
from mizzen.core.runs import RunState

from .conftest import RunnerHarness, states

ORACLE = """
import json, sys
import diamond
from kfp import compiler, components, local

name, arguments, file, root = sys.argv[1], json.loads(sys.argv[2]), sys.argv[3], sys.argv[4]
compiler.Compiler().compile(getattr(diamond, name), file)
if len(sys.argv) > 5:
    from pathlib import Path
    from mizzen.adapters.kfp.compiler import parse, to_yaml
    from mizzen.core.inject import inject
    from mizzen.core.place import Place
    place = Place.from_environment({"MIZZEN_PLACE": sys.argv[5]})
    Path(file).write_text(to_yaml(inject(parse(Path(file).read_text()), place)))
if root:
    local.init(local.SubprocessRunner(use_venv=False), pipeline_root=root, raise_on_error=True)
    task = components.load_component_from_file(file)(**arguments)
    print("ORACLE", json.dumps([task.state.name, task.outputs]))
"""


def kfp_local(
    name: str,
    arguments: dict[str, Any],
    folder: Path,
    execute: bool = True,
    place: Place | None = None,
) -> Any:
    """The compiled file, which is given the place if there is one, and what kfp.local made of it:
    state and outputs."""
    file, root = folder / f"{name}.yaml", str(folder / "kfp") if execute else ""
    path = os.pathsep.join([str(Path(__file__).parent), os.environ.get("PYTHONPATH", "")])
    programs = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    done = subprocess.run(
        [
            *(sys.executable, "-c", ORACLE, name, json.dumps(arguments), str(file), root),
            *(place.to_environment().values() if place else ()),
        ],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PATH": programs, "PYTHONPATH": path, "TMPDIR": str(folder)},
        cwd=folder,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    answers = [line for line in done.stdout.splitlines() if line.startswith("ORACLE ")]
    return file, json.loads(answers[0].removeprefix("ORACLE ")) if answers else None


def ours(harness: RunnerHarness, file: Path, arguments: dict[str, Any]) -> Any:
    from mizzen.adapters.kfp.compiler import parse
    from mizzen.core.ir import read

    return harness.run(read(parse(file.read_text())), arguments=arguments)


@pytest.fixture
def diamond(harness: RunnerHarness, monkeypatch: pytest.MonkeyPatch) -> RunnerHarness:
    monkeypatch.syspath_prepend(str(Path(__file__).parent))
    return harness


@pytest.mark.slow
@pytest.mark.parametrize("number", [3, 2, 1])
def test_every_branch_of_the_diamond_answers_as_under_kfp_local(
    diamond: RunnerHarness, tmp_path: Path, number: int
) -> None:
    arguments = {"number": number, "who": "me"}
    file, (state, outputs) = kfp_local("diamond", arguments, tmp_path)
    outcome = ours(diamond, file, arguments)
    assert (state, outcome.state) == ("FINAL", RunState.SUCCEEDED)
    assert outputs["Output"] == outcome.figure("note-5", "Output")


@pytest.mark.slow
def test_a_condition_on_nan_fails_with_us_where_kfp_local_succeeds(
    diamond: RunnerHarness, tmp_path: Path
) -> None:
    file, (state, _) = kfp_local("judged", {"value": "nan"}, tmp_path)
    assert state == "FINAL", "this is what we must not do"
    outcome = ours(diamond, file, {"value": "nan"})
    assert outcome.state is RunState.FAILED
    assert states(outcome) == {"score": "succeeded", "note": "failed"}


@pytest.mark.slow
@pytest.mark.parametrize("given", [False, True])
def test_a_condition_on_a_named_output_holds_under_kfp_local_once_a_place_is_given(
    harness: RunnerHarness, tmp_path: Path, given: bool
) -> None:
    """Without, kfp.local skips it and succeeds; when it no longer does, drop `name_outputs`."""
    place = harness.place if given else None
    _, (state, _) = kfp_local("gated", {"number": 3}, tmp_path, place=place)
    ran = {file.parent.name for file in tmp_path.glob("kfp/*/*/executor_output.json")}
    assert state == "FINAL"
    assert ran == ({"make", "note"} if given else {"make"})


def test_a_loop_that_kfp_compiles_runs(diamond: RunnerHarness, tmp_path: Path) -> None:
    file, _ = kfp_local("looped", {}, tmp_path, execute=False)
    outcome = ours(diamond, file, {})
    assert sorted(str(e.figures["Output"]) for e in outcome.steps.values()) == ["A", "B", "C"]
