"""A killed run goes on from its last finished step and ends as an undisturbed one would."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from mizzen.core.plan import Constant, Output, Retry, Task
from mizzen.core.runs import Outcome, RunState, StepState

from .conftest import RunnerHarness, executed, until

STEPS = """
    import time
    from pathlib import Path

    def run(*, me: str, gates: str, before: Path, out: Path) -> str:
        text = (before.read_text() if before != Path(".") else "") + me
        out.write_text(text + " half")
        Path(gates, me + ".reached").touch()
        while Path(gates, me + ".closed").exists():
            time.sleep(0.02)
        out.write_text(text)
        return text

    def first(*, me: str, gates: str, out: Path) -> str:
        return run(me=me, gates=gates, before=Path("."), out=out)
"""
NAMES = ("a", "b", "c", "d")


@pytest.fixture
def gated(harness: RunnerHarness) -> RunnerHarness:
    harness.write("gated", STEPS)
    (harness.home / "gates").mkdir(parents=True)
    return harness


def chain(harness: RunnerHarness) -> list[Task]:
    tasks = []
    for before, name in zip((None, *NAMES), NAMES, strict=False):
        inputs = {"me": Constant(name), "gates": Constant(str(harness.home / "gates"))}
        step, artifacts = "gated:first", ()
        if before is not None:
            inputs["before"], step, artifacts = Output(before, "out"), "gated:run", ("before",)
        tasks.append(Task(name, step, inputs, artifacts, ("Output",), ("out",)))
    return tasks


def kill_in(harness: RunnerHarness, name: str, run_id: str = "run") -> None:
    gates = harness.home / "gates"
    (gates / f"{name}.closed").touch()
    runner = harness.apart(chain(harness), run_id)
    until((gates / f"{name}.reached").exists)
    runner.kill()
    runner.wait()
    (gates / f"{name}.closed").unlink()


@pytest.mark.parametrize("name", NAMES)
def test_a_run_killed_in_any_step_resumes_with_that_step(gated: RunnerHarness, name: str) -> None:
    kill_in(gated, name)
    until(lambda: gated.runner.describe(gated.folder()) is RunState.INTERRUPTED)
    outcome = gated.run(chain(gated))
    assert outcome.state is RunState.SUCCEEDED
    assert executed(gated.events) == list(NAMES[NAMES.index(name) :])
    assert outcome.steps["d"].artifacts["out"].read_text() == "abcd"


def test_finished_steps_are_observed_again_as_they_were(gated: RunnerHarness) -> None:
    kill_in(gated, "c")
    before = {
        event.step: event
        for event in gated.runner.events(gated.folder())
        if event.state is StepState.SUCCEEDED
    }
    outcome = gated.run(chain(gated))
    assert {event.step: event for event in gated.events[:2]} == before
    assert {name: outcome.steps[name] for name in ("a", "b")} == before


def test_a_run_without_the_cache_resumes_too(gated: RunnerHarness) -> None:
    tasks = chain(gated)
    gated.run(tasks, "warm")
    first = gated.submission(tasks, cache=False)

    class Stop(Exception):
        pass

    def stop(event: object) -> None:
        if getattr(event, "step", "") == "c":
            raise Stop

    with pytest.raises(Stop):
        gated.runner.execute(first, stop)
    gated.run(tasks, cache=False)
    assert executed(gated.events) == ["c", "d"]


def test_a_new_run_uses_what_a_killed_one_finished(gated: RunnerHarness) -> None:
    kill_in(gated, "c")
    gated.run(chain(gated), "another")
    assert executed(gated.events) == ["c", "d"]


def test_a_finished_output_that_was_changed_meanwhile_is_not_used(gated: RunnerHarness) -> None:
    kill_in(gated, "c")
    out: Path = gated.folder() / "steps" / "b" / "outputs" / "out"
    out.chmod(0o644)
    out.write_text("zz")
    outcome = gated.run(chain(gated))
    assert outcome.steps["d"].artifacts["out"].read_text() == "abcd"
    assert executed(gated.events) == ["b", "c", "d"]


KEEPING = """
    import os
    import time
    from pathlib import Path

    def run(*, me: str, gates: str, fails: int) -> str:
        work = Path(os.environ["MIZZEN_WORK"])
        done = sorted(file.name for file in work.iterdir())
        work.joinpath(f"part{len(done)}").touch()
        Path(gates, me + ".reached").touch()
        while Path(gates, me + ".closed").exists():
            time.sleep(0.02)
        if len(done) < fails:
            raise RuntimeError("not yet")
        return ",".join(done)
"""


@pytest.fixture
def keeping(gated: RunnerHarness) -> RunnerHarness:
    gated.write("keeping", KEEPING)
    return gated


def keeper(harness: RunnerHarness, fails: int = 0, **options: Any) -> list[Task]:
    given = {"me": "k", "gates": str(harness.home / "gates"), "fails": fails}
    inputs = {name: Constant(value) for name, value in given.items()}
    return [Task("keeper", "keeping:run", inputs, figures=("Output",), **options)]


def kill_keeper(harness: RunnerHarness, tasks: list[Task]) -> None:
    gates = harness.home / "gates"
    (gates / "k.closed").touch()
    runner = harness.apart(tasks)
    until((gates / "k.reached").exists)
    runner.kill()
    runner.wait()
    (gates / "k.closed").unlink()


def found_by(outcome: Outcome) -> object:
    return outcome.steps["keeper"].figures["Output"]


def test_a_killed_step_finds_its_work_on_resume_and_leaves_none(keeping: RunnerHarness) -> None:
    kill_keeper(keeping, keeper(keeping))
    assert list((keeping.folder() / "steps" / "keeper" / "work").iterdir())
    assert found_by(keeping.run(keeper(keeping))) == "part0"
    assert not (keeping.folder() / "steps" / "keeper" / "work").exists()


def test_work_at_something_else_is_not_found(keeping: RunnerHarness) -> None:
    kill_keeper(keeping, keeper(keeping))
    another = keeper(keeping, environment={"COLOUR": "red"})
    assert found_by(keeping.run(another)) == ""


def test_a_retry_finds_the_work_of_the_attempts_before_it(keeping: RunnerHarness) -> None:
    outcome = keeping.run(keeper(keeping, fails=2, retry=Retry(2)))
    assert outcome.state is RunState.SUCCEEDED
    assert found_by(outcome) == "part0,part1"


def test_where_work_is_kept_is_no_part_of_the_cache_key(keeping: RunnerHarness) -> None:
    keeping.run(keeper(keeping), "one")
    keeping.run(keeper(keeping), "two")
    assert executed(keeping.events) == []
