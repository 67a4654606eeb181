"""What a run does: order, values, conditions, errors, retries, timeouts, logs."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import pytest

from mizzen.cli.reference.errors import tree
from mizzen.core.plan import (
    Argument,
    Condition,
    Constant,
    OneOf,
    Output,
    Parameter,
    Plan,
    Pool,
    Resources,
    Retry,
    Task,
    Text,
)
from mizzen.core.runs import RunState, StepState
from mizzen.errors import Conflict, MizzenError, NotFound, Unsupported, UserError

from .conftest import RunnerHarness, executed, states

STEPS = """
    from pathlib import Path
    from typing import NamedTuple

    class Figures(NamedTuple):
        number: int
        share: float
        name: str
        fine: bool

    def make(*, number: int, table: Path) -> Figures:
        table.mkdir()
        (table / "rows.txt").write_text(str(number))
        return Figures(number, number / 4, f"n{number}", number > 2)

    def double(*, number: int) -> int:
        return 2 * number

    def add(*, left: int, right: int, table: Path, total: Path) -> int:
        total.write_text((table / "rows.txt").read_text() + f"+{left}+{right}")
        return left + right

    def say(*, text: str) -> None:
        print("said", text)

    def nan(*, number: int) -> float:
        return float("nan")
"""


@pytest.fixture
def steps(harness: RunnerHarness) -> RunnerHarness:
    harness.write("diamond", STEPS)
    return harness


def make(number: Any = 3) -> Task:
    source = Constant(number) if isinstance(number, int) else number
    figures = ("fine", "name", "number", "share")
    return Task("make", "diamond:make", {"number": source}, (), figures, ("table",))


def double(name: str, **options: Any) -> Task:
    inputs = {"number": Output("make", "number")}
    return Task(name, "diamond:double", inputs, figures=("Output",), **options)


def add() -> Task:
    inputs = {
        "left": Output("left", "Output"),
        "right": Output("right", "Output"),
        "table": Output("make", "table"),
    }
    return Task("add", "diamond:add", inputs, ("table",), ("Output",), ("total",))


def say(name: str, text: Any, *conditions: Condition) -> Task:
    return Task(name, "diamond:say", {"text": text}, conditions=conditions)


def when(expression: str, **inputs: Any) -> Condition:
    for name in inputs:
        expression = expression.replace(name, f"inputs.parameter_values['{name}']")
    return Condition(expression, inputs)


def error_of(outcome: Any, step: str) -> Mapping[str, Any]:
    error = outcome.steps[step].error
    assert error is not None
    return dict(error)


def test_a_diamond_passes_scalars_and_artifacts(steps: RunnerHarness) -> None:
    outcome = steps.run([make(), double("left"), double("right"), add()])
    assert outcome.state is RunState.SUCCEEDED
    assert outcome.figure("add", "Output") == 12
    assert outcome.steps["add"].artifacts["total"].read_text() == "3+6+6"
    assert outcome.steps["make"].figures == {
        "number": 3,
        "share": 0.75,
        "name": "n3",
        "fine": True,
    }
    assert [event.state for event in steps.events if event.step == "make"] == [
        StepState.RUNNING,
        StepState.SUCCEEDED,
    ]


def test_events_read_back_equal_what_was_observed(steps: RunnerHarness) -> None:
    steps.run([make(), double("left")])
    assert list(steps.runner.events(steps.folder())) == steps.events
    assert steps.events[0].parameters == {"number": 3}


def test_a_half_written_last_event_is_skipped_and_the_next_one_is_read(
    steps: RunnerHarness,
) -> None:
    steps.run([make()])
    with (steps.folder() / "events.jsonl").open("a") as file:
        file.write('{"run_id": "ru')
    outcome = steps.run([make(), double("left")])
    assert states(outcome) == {"make": "succeeded", "left": "succeeded"}


def test_independent_steps_run_side_by_side(wide: RunnerHarness) -> None:
    wide.write(
        "meeting",
        """
        import os, time
        from pathlib import Path

        def meet(*, me: str, other: str, room: str) -> None:
            Path(room, me).touch()
            while not Path(room, other).exists():
                time.sleep(0.01)
        """,
    )
    wide.home.mkdir(parents=True)
    room = Constant(str(wide.home))
    pair = [
        Task(me, "meeting:meet", {"me": Constant(me), "other": Constant(other), "room": room})
        for me, other in (("a", "b"), ("b", "a"))
    ]
    assert wide.run(pair).state is RunState.SUCCEEDED


def test_a_pool_limits_how_many_run_at_once(wide: RunnerHarness) -> None:
    wide.write(
        "counted",
        """
        import time
        from pathlib import Path

        def enter(*, me: int, room: str) -> int:
            mark = Path(room, f"{me}.inside")
            mark.touch()
            time.sleep(0.1)
            inside = len(list(Path(room).glob("*.inside")))
            mark.unlink()
            return inside
        """,
    )
    wide.home.mkdir(parents=True)
    tasks = [
        Task(
            f"t{n}",
            "counted:enter",
            {"me": Constant(n), "room": Constant(str(wide.home))},
            figures=("Output",),
            pools=(Pool("loop", 1),),
        )
        for n in range(3)
    ]
    outcome = wide.run(tasks)
    assert {outcome.figure(task.name, "Output") for task in tasks} == {1}


def test_only_the_branch_whose_condition_holds_runs(steps: RunnerHarness) -> None:
    fine = Output("make", "fine")
    outcome = steps.run(
        [
            make(),
            say("yes", Constant("y"), when("fine == true", fine=fine)),
            say("no", Constant("n"), when("!(fine == true)", fine=fine)),
        ]
    )
    assert states(outcome) == {"make": "succeeded", "yes": "succeeded", "no": "skipped"}
    assert outcome.state is RunState.SUCCEEDED


def test_one_of_takes_the_branch_that_ran(steps: RunnerHarness) -> None:
    fine = Output("make", "fine")
    chosen = OneOf((Output("left", "Output"), Output("right", "Output")))
    outcome = steps.run(
        [
            make(),
            double("left", conditions=(when("!(fine == true)", fine=fine),)),
            double("right", conditions=(when("fine == true", fine=fine),)),
            Task("last", "diamond:double", {"number": chosen}, figures=("Output",)),
        ]
    )
    assert outcome.figure("last", "Output") == 12


def test_strings_are_put_together_from_arguments_and_outputs(steps: RunnerHarness) -> None:
    words = Text((Constant("it's "), Parameter("who"), Constant(" "), Output("make", "number")))
    plan = Plan("test", (make(), say("say", words)), (Argument("who", "str"),))
    steps.run(plan, arguments={"who": '"x" {{y}}'})
    assert steps.log("say").strip() == 'said it\'s "x" {{y}} 3'


def test_a_condition_on_nan_fails_the_run_and_is_named(steps: RunnerHarness) -> None:
    nan = Task("nan", "diamond:nan", {"number": Constant(1)}, figures=("Output",))
    condition = when("score > 0.5", score=Output("nan", "Output"))
    outcome = steps.run([nan, say("after", Constant("x"), condition)])
    assert outcome.state is RunState.FAILED
    assert math.isnan(float(outcome.figure("nan", "Output") or 0))
    assert "inputs.parameter_values['score'] > 0.5" in error_of(outcome, "after")["message"]
    assert executed(steps.events) == ["nan"]


def test_a_condition_on_a_skipped_output_fails_the_run(steps: RunnerHarness) -> None:
    skipped = double("left", conditions=(when("fine == false", fine=Output("make", "fine")),))
    condition = when("number > 1", number=Output("left", "Output"))
    outcome = steps.run([make(), skipped, say("after", Constant("x"), condition)])
    assert outcome.state is RunState.FAILED
    assert "cannot be evaluated" in error_of(outcome, "after")["message"]


def test_strings_with_quotes_are_compared_and_not_executed(steps: RunnerHarness) -> None:
    evil = "x' == 'x"
    plan = Plan(
        "test",
        (say("after", Constant("x"), when("name == 'y'", name=Parameter("name"))),),
        (Argument("name", "str"),),
    )
    assert states(steps.run(plan, arguments={"name": evil})) == {"after": "skipped"}


def test_a_users_traceback_is_shown_in_log_and_event(harness: RunnerHarness) -> None:
    harness.write(
        "broken",
        """
        def deeper(value):
            return 1 / value

        def run(*, number: int) -> None:
            print("before")
            deeper(number)
        """,
    )
    outcome = harness.run([Task("broken", "broken:run", {"number": Constant(0)})])
    error = error_of(outcome, "broken")
    assert error["error"] == "StepFailed"
    assert "ZeroDivisionError: division by zero" in error["message"]
    assert "in deeper" in error["traceback"]
    assert "local_runner" not in error["traceback"]
    assert "before" in harness.log("broken")
    assert "ZeroDivisionError" in harness.log("broken")


def test_the_platforms_errors_survive_the_border_between_processes(harness: RunnerHarness) -> None:
    harness.write(
        "invalid",
        """
        from mizzen.errors import InvalidData

        def run() -> None:
            raise InvalidData("column 'a' is missing", given="b", next_step="add it")
        """,
    )
    error = error_of(harness.run([Task("bad", "invalid:run", retry=Retry(3, 0.01))]), "bad")
    assert (error["error"], error["given"], error["next"]) == ("InvalidData", "b", "add it")
    assert executed(harness.events) == ["bad"], "what the user wrote is not tried again"


@pytest.mark.parametrize("kind", [kind for kind, _ in tree(MizzenError)])
def test_an_error_is_tried_again_where_its_type_says_that_this_can_help(
    harness: RunnerHarness, kind: type[MizzenError]
) -> None:
    harness.write(
        "erring",
        f"""
        from mizzen.errors import {kind.__name__}

        def run() -> None:
            print("attempt")
            raise {kind.__name__}("why")
        """,
    )
    error = error_of(harness.run([Task("bad", "erring:run", retry=Retry(1, 0.01))]), "bad")
    assert error["retryable"] is kind.retryable
    assert harness.log("bad").count("attempt\n") == (2 if kind.retryable else 1)


def test_retries_wait_and_then_succeed(harness: RunnerHarness) -> None:
    harness.write(
        "flaky",
        """
        from pathlib import Path

        def run(*, marks: str) -> int:
            seen = len(list(Path(marks).iterdir()))
            Path(marks, str(seen)).touch()
            print("attempt", seen)
            if seen < 2:
                raise ConnectionError("away")
            return seen
        """,
    )
    marks = harness.home / "marks"
    marks.mkdir(parents=True)
    task = Task(
        "flaky",
        "flaky:run",
        {"marks": Constant(str(marks))},
        figures=("Output",),
        retry=Retry(2, 0.01),
    )
    outcome = harness.run([task])
    assert outcome.figure("flaky", "Output") == 2
    assert outcome.steps["flaky"].attempt == 3
    failed = [event for event in harness.events if event.state is StepState.FAILED]
    assert [event.error and event.error["retrying"] for event in failed] == [True, True]
    assert [harness.log("flaky").count(f"attempt {n}\n") for n in range(3)] == [1, 1, 1]


def test_a_step_over_its_timeout_is_ended(harness: RunnerHarness) -> None:
    harness.write("slow", "import time\ndef run() -> None:\n    time.sleep(600)\n")
    outcome = harness.run([Task("slow", "slow:run", timeout=0.2)])
    assert outcome.state is RunState.FAILED
    assert "timeout of 0.2 s" in error_of(outcome, "slow")["message"]


def test_a_killed_step_says_by_which_signal(harness: RunnerHarness) -> None:
    harness.write("dies", "import os\ndef run() -> None:\n    os.kill(os.getpid(), 9)\n")
    outcome = harness.run([Task("dies", "dies:run")])
    assert "SIGKILL" in error_of(outcome, "dies")["message"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("def run(*, out):\n    return 1\n", "did not write its output 'out'"),
        ("def run(*, out):\n    out.write_text('')\n", "did not return Output"),
        ("def run(*, out):\n    out.symlink_to('/etc')\n    return 1\n", "a link or a special"),
        ("def run(*, out):\n    out.mkdir()\n    return object()\n", "as object"),
        ("def go(*, out):\n    pass\n", "no function 'run'"),
        ("import nothing_like_this\n", "nothing_like_this"),
        ("def run(*, out):\n    raise SystemExit(0)\n", "SystemExit"),
    ],
)
def test_a_step_that_breaks_its_promise_fails(
    harness: RunnerHarness, text: str, message: str
) -> None:
    harness.write("promise", text)
    task = Task("promise", "promise:run", figures=("Output",), artifacts=("out",))
    outcome = harness.run([task])
    assert outcome.state is RunState.FAILED
    assert message in error_of(outcome, "promise")["message"]


def test_after_a_failure_no_step_starts_and_running_ones_finish(wide: RunnerHarness) -> None:
    wide.write(
        "mixed",
        """
        import time
        from pathlib import Path

        def fail(*, room: str) -> None:
            while not Path(room, "started").exists():
                time.sleep(0.01)
            raise ValueError("no")

        def last(*, room: str) -> int:
            Path(room, "started").touch()
            time.sleep(0.3)
            return 7
        """,
    )
    wide.home.mkdir(parents=True)
    room = {"room": Constant(str(wide.home))}
    tasks = [
        Task("fail", "mixed:fail", room),
        Task("last", "mixed:last", room, figures=("Output",)),
        Task("never", "mixed:last", room, figures=("Output",), after=("last",)),
    ]
    outcome = wide.run(tasks)
    assert outcome.state is RunState.FAILED
    assert states(outcome) == {"fail": "failed", "last": "succeeded"}


def test_threads_follow_the_cpu_request(harness: RunnerHarness) -> None:
    harness.write(
        "threads",
        """
        import os

        def run() -> str:
            return os.environ["OMP_NUM_THREADS"] + "/" + os.environ["OPENBLAS_NUM_THREADS"]
        """,
    )
    one = Task("one", "threads:run", figures=("Output",))
    three = Task("three", "threads:run", figures=("Output",), resources=Resources(cpu=3.0))
    outcome = harness.run([one, three])
    assert outcome.figure("one", "Output") == "1/1"
    assert outcome.figure("three", "Output") == "3/3"


def test_what_a_step_needs_to_know_is_in_its_environment(harness: RunnerHarness) -> None:
    harness.write(
        "knows",
        """
        import os
        from mizzen.core.place import Place

        def run() -> str:
            place = Place.from_environment(os.environ)
            names = ("MIZZEN_RUN_ID", "MIZZEN_TASK", "COLOUR", "SHAPE")
            return " ".join([place.project, *(os.environ[name] for name in names)])
        """,
    )
    task = Task("knows", "knows:run", figures=("Output",), environment={"COLOUR": "red"})
    outcome = harness.run([task], environment={"SHAPE": "round"})
    assert outcome.figure("knows", "Output") == "test run knows red round"


@pytest.mark.parametrize(
    ("task", "construct"),
    [
        (Task("t", "m:f", resources=Resources(accelerators=64)), "64 accelerators"),
        (Task("t", "m:f", environment={"MIZZEN_NODES": "2"}), "one node"),
    ],
)
def test_what_this_machine_cannot_do_is_an_error(
    harness: RunnerHarness, task: Task, construct: str
) -> None:
    with pytest.raises(Unsupported, match=construct):
        harness.run([task])


def test_arguments_are_checked_before_anything_runs(steps: RunnerHarness) -> None:
    plan = Plan("test", (make(Parameter("n")),), (Argument("n", "int"),))
    for arguments in ({}, {"n": "3"}, {"n": True}, {"n": 3, "m": 4}):
        with pytest.raises(UserError):
            steps.run(plan, arguments=arguments)
    assert not steps.folder().exists()


def test_a_run_is_executed_by_one_process_at_a_time(steps: RunnerHarness) -> None:
    submission = steps.submission([make()])

    def again(_: Any) -> None:
        steps.runner.execute(submission, lambda event: None)

    with pytest.raises(Conflict):
        steps.runner.execute(submission, again)
    assert steps.runner.describe(steps.folder()) is RunState.FAILED


def test_a_submission_is_stored_to_be_resumed(steps: RunnerHarness) -> None:
    submission = steps.submission([make(), double("left")])
    steps.runner.execute(submission, lambda event: None)
    assert steps.runner.stored(steps.folder(), steps.place) == submission
    with pytest.raises(NotFound):
        steps.runner.stored(steps.folder("other"), steps.place)


def test_describe_tells_the_state_of_a_run(steps: RunnerHarness) -> None:
    steps.run([make()])
    assert steps.runner.describe(steps.folder()) is RunState.SUCCEEDED
    with pytest.raises(NotFound):
        steps.runner.describe(steps.folder("other"))


LEFTOVERS = """
    import threading
    from concurrent.futures import ThreadPoolExecutor

    def poll():
        threading.Event().wait()

    def forgets() -> int:
        threading.Thread(target=poll, name="poller").start()
        return 1

    def pools() -> int:
        return ThreadPoolExecutor(2).submit(int, 7).result()
"""


def test_a_thread_that_a_step_leaves_running_is_reported(harness: RunnerHarness) -> None:
    harness.write("leftovers", LEFTOVERS)
    tasks = [
        Task("forgets", "leftovers:forgets", figures=("Output",)),
        Task("pools", "leftovers:pools", figures=("Output",)),
    ]
    outcome = harness.run(tasks)
    assert states(outcome) == {"forgets": "failed", "pools": "succeeded"}
    error = outcome.steps["forgets"].error
    assert error is not None
    assert error["message"] == "step forgets left a thread running"
    assert "thread 'poller' at " in error["given"]
    assert "leftovers.py" in error["given"]
    assert "make it a daemon" in error["next"]
    assert "while thread 'poller'" in harness.runner.logs(harness.folder(), "forgets")


def test_logs_are_those_of_a_step_of_the_run(harness: RunnerHarness) -> None:
    harness.write("leftovers", LEFTOVERS)
    harness.run([Task("pools", "leftovers:pools", figures=("Output",))])
    (harness.home / "x.1.log").write_text("a secret")
    for step in ("../../../x", "nosuch", ""):
        with pytest.raises(NotFound, match=r"has no step .*\n  allowed: pools"):
            harness.runner.logs(harness.folder(), step)
