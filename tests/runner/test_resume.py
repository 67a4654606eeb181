"""A killed run goes on from its last finished step and ends as an undisturbed one would."""

from __future__ import annotations

from pathlib import Path

import pytest

from mizzen.core.plan import Constant, Output, Task
from mizzen.core.runs import RunState, StepState

from .conftest import Bench, executed, until

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
def gated(bench: Bench) -> Bench:
    bench.write("gated", STEPS)
    (bench.home / "gates").mkdir(parents=True)
    return bench


def chain(bench: Bench) -> list[Task]:
    tasks = []
    for before, name in zip((None, *NAMES), NAMES, strict=False):
        inputs = {"me": Constant(name), "gates": Constant(str(bench.home / "gates"))}
        step, artifacts = "gated:first", ()
        if before is not None:
            inputs["before"], step, artifacts = Output(before, "out"), "gated:run", ("before",)
        tasks.append(Task(name, step, inputs, artifacts, ("Output",), ("out",)))
    return tasks


def kill_in(bench: Bench, name: str, run_id: str = "run") -> None:
    gates = bench.home / "gates"
    (gates / f"{name}.closed").touch()
    runner = bench.apart(chain(bench), run_id)
    until((gates / f"{name}.reached").exists)
    runner.kill()
    runner.wait()
    (gates / f"{name}.closed").unlink()


@pytest.mark.parametrize("name", NAMES)
def test_a_run_killed_in_any_step_resumes_with_that_step(gated: Bench, name: str) -> None:
    kill_in(gated, name)
    until(lambda: gated.runner.describe(gated.folder()) is RunState.INTERRUPTED)
    outcome = gated.run(chain(gated))
    assert outcome.state is RunState.SUCCEEDED
    assert executed(gated.events) == list(NAMES[NAMES.index(name) :])
    assert outcome.steps["d"].artifacts["out"].read_text() == "abcd"


def test_finished_steps_are_observed_again_as_they_were(gated: Bench) -> None:
    kill_in(gated, "c")
    before = {
        event.step: event
        for event in gated.runner.events(gated.folder())
        if event.state is StepState.SUCCEEDED
    }
    outcome = gated.run(chain(gated))
    assert {event.step: event for event in gated.events[:2]} == before
    assert {name: outcome.steps[name] for name in ("a", "b")} == before


def test_a_run_without_the_cache_resumes_too(gated: Bench) -> None:
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


def test_a_new_run_uses_what_a_killed_one_finished(gated: Bench) -> None:
    kill_in(gated, "c")
    gated.run(chain(gated), "another")
    assert executed(gated.events) == ["c", "d"]


def test_a_finished_output_that_was_changed_meanwhile_is_not_used(gated: Bench) -> None:
    kill_in(gated, "c")
    out: Path = gated.folder() / "steps" / "b" / "outputs" / "out"
    out.chmod(0o644)
    out.write_text("zz")
    outcome = gated.run(chain(gated))
    assert outcome.steps["d"].artifacts["out"].read_text() == "abcd"
    assert executed(gated.events) == ["b", "c", "d"]
