"""Nothing of a run outlives it: killed runners, cancelled runs, steps that leave things behind."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from pathlib import Path

import pytest

from mizzen.adapters.local_runner.processes import children, descendants
from mizzen.core.plan import Constant, Output, Task
from mizzen.core.runs import RunState
from mizzen.errors import MizzenError

from .conftest import RunnerHarness, executed, states, until

FAMILY = """
    import os, subprocess, sys, time
    from pathlib import Path

    SLEEPER = (
        "import sys, os, time\\n"
        "open(sys.argv[1], 'w').write(str(os.getpid()))\\n"
        "time.sleep(600)"
    )

    def _spawn(place: Path, name: str, **options) -> None:
        subprocess.Popen([sys.executable, "-c", SLEEPER, str(place / f"{name}.part")], **options)
        while not (place / f"{name}.part").exists() or not (place / f"{name}.part").read_text():
            time.sleep(0.01)
        (place / f"{name}.part").rename(place / f"{name}.pid")

    def stay(*, place: str) -> None:
        folder = Path(place)
        _spawn(folder, "child")
        _spawn(folder, "own-session", start_new_session=True)
        if os.fork() == 0:  # a daemon: its parent ends at once
            os.setsid()
            _spawn(folder, "daemon", start_new_session=True)
            os._exit(0)
        while not (folder / "daemon.pid").exists():
            time.sleep(0.01)
        (folder / "step.part").write_text(str(os.getpid()))
        (folder / "step.part").rename(folder / "step.pid")
        time.sleep(600)

    def leave(*, place: str) -> None:
        _spawn(Path(place), "own-session", start_new_session=True)

    def quick() -> int:
        return 1
"""


@pytest.fixture
def family(harness: RunnerHarness) -> RunnerHarness:
    harness.write("family", FAMILY)
    harness.home.mkdir(parents=True)
    return harness


def stay(harness: RunnerHarness, **options: float) -> Task:
    place = {"place": Constant(str(harness.home))}
    return Task("stay", "family:stay", place, timeout=options.get("timeout"))


def all_up(harness: RunnerHarness) -> list[int]:
    """Process ids of the step and of everything that it started."""
    until((harness.home / "step.pid").exists)
    return [int(file.read_text()) for file in harness.home.glob("*.pid")]


def alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


def none_left(pids: list[int]) -> bool:
    return not any(alive(pid) for pid in pids)


def subreaper_of(runner: subprocess.Popen[str]) -> int:
    return int(until(lambda: children(runner.pid))[0])


def test_killing_the_runner_leaves_no_step_and_no_grandchild(family: RunnerHarness) -> None:
    runner = family.apart([stay(family)])
    pids = all_up(family)
    assert len(pids) == 4
    pids += descendants(runner.pid)
    runner.kill()
    runner.wait()
    until(lambda: none_left(pids))
    until(lambda: family.runner.describe(family.folder()) is RunState.INTERRUPTED)


@pytest.mark.parametrize("victim", ["subreaper", "zygote"])
def test_killing_a_helper_fails_the_step_and_leaves_nothing(
    family: RunnerHarness, victim: str
) -> None:
    runner = family.apart([stay(family)])
    pids = all_up(family)
    subreaper = subreaper_of(runner)
    zygote = children(subreaper)[0]
    if victim == "subreaper":  # sessions of their own are reached from the subreaper only
        pids = [int((family.home / "step.pid").read_text()), zygote]
    os.kill(subreaper if victim == "subreaper" else zygote, signal.SIGKILL)
    assert runner.communicate(timeout=30)[0].strip() == "failed"
    until(lambda: none_left(pids))
    for file in family.home.glob("*.pid"):
        if alive(int(file.read_text())):
            os.kill(int(file.read_text()), signal.SIGKILL)


def test_cancelling_from_another_process_ends_everything(family: RunnerHarness) -> None:
    after = Task("after", "family:quick", figures=("Output",), after=("stay",))
    runner = family.apart([stay(family), after])
    pids = all_up(family)
    family.runner.cancel(family.folder())
    assert none_left(pids), "cancel returns once nothing runs"
    assert runner.communicate(timeout=30)[0].strip() == "cancelled"
    assert family.runner.describe(family.folder()) is RunState.CANCELLED
    assert [event.state.value for event in family.runner.events(family.folder())] == [
        "running",
        "cancelled",
    ]


def test_cancelling_an_interrupted_run_makes_it_cancelled(family: RunnerHarness) -> None:
    runner = family.apart([stay(family)])
    all_up(family)
    runner.kill()
    runner.wait()
    family.runner.cancel(family.folder())
    assert family.runner.describe(family.folder()) is RunState.CANCELLED


def test_a_run_cancelled_before_it_began_does_not_begin(family: RunnerHarness) -> None:
    family.runner.cancel(family.folder())
    outcome = family.run([Task("quick", "family:quick", figures=("Output",))])
    assert (outcome.state, states(outcome)) == (RunState.CANCELLED, {})


def test_cancelling_a_run_that_ended_changes_nothing(family: RunnerHarness) -> None:
    family.run([Task("quick", "family:quick", figures=("Output",))])
    family.runner.cancel(family.folder())
    assert family.runner.describe(family.folder()) is RunState.SUCCEEDED


def test_a_cancelled_run_resumes(family: RunnerHarness) -> None:
    quick = Task("quick", "family:quick", figures=("Output",))
    seen: list[str] = []

    def cancel_once(event: object) -> None:
        seen.append(str(event))
        if len(seen) == 2:
            threading.Thread(target=family.runner.cancel, args=(family.folder(),)).start()
            until((family.folder() / "cancel").exists)

    last = Task(
        "last", "family:quick", figures=("Output",), environment={"A": "1"}, after=("quick",)
    )
    outcome = family.runner.execute(family.submission([quick, last]), cancel_once)
    assert outcome.state is RunState.CANCELLED
    assert family.run([quick, last]).state is RunState.SUCCEEDED
    assert executed(family.events) in (["last"], ["quick", "last"])


def test_a_timeout_ends_what_the_step_started_too(family: RunnerHarness) -> None:
    outcome = family.run([stay(family, timeout=3.0)])
    assert outcome.state is RunState.FAILED
    assert none_left([int(file.read_text()) for file in family.home.glob("*.pid")])


def test_what_a_finished_step_leaves_running_is_ended(family: RunnerHarness) -> None:
    place = {"place": Constant(str(family.home))}
    leave = Task("leave", "family:leave", place)
    assert family.run([leave]).state is RunState.SUCCEEDED
    assert none_left([int((family.home / "own-session.pid").read_text())])


def test_interrupting_the_runner_from_the_keyboard_cancels_the_run(family: RunnerHarness) -> None:
    runner = family.apart([stay(family)])
    pids = all_up(family)
    runner.send_signal(signal.SIGINT)
    runner.wait(timeout=30)
    assert none_left(pids)
    assert family.runner.describe(family.folder()) is RunState.CANCELLED


def test_a_failing_observer_ends_the_steps_and_is_heard(family: RunnerHarness) -> None:
    class Deaf(Exception):
        pass

    def observe(_: object) -> None:
        raise Deaf

    others = set(children(os.getpid()))  # servers that the session's fixtures started
    with pytest.raises(Deaf):
        family.runner.execute(family.submission([stay(family)]), observe)
    assert none_left([pid for pid in children(os.getpid()) if pid not in others])
    assert family.runner.describe(family.folder()) is RunState.FAILED


def test_preloaded_libraries_start_no_thread(harness: RunnerHarness) -> None:
    harness.write(
        "counts",
        """
        import os, sys
        from pathlib import Path

        def run() -> str:
            threads = len(list(Path(f"/proc/{os.getppid()}/task").iterdir()))
            return f"{threads} {'pandas' in sys.modules} {'pyarrow' in sys.modules}"
        """,
    )
    task = Task(
        "counts",
        "counts:run",
        figures=("Output",),
        environment={"MIZZEN_LIBRARIES": "numpy,pandas,pyarrow"},
    )
    assert harness.run([task]).figure("counts", "Output") == "1 True True"


def test_each_step_has_a_process_of_its_own(harness: RunnerHarness) -> None:
    harness.write("own", "import os\ndef run(*, n: int) -> int:\n    return os.getpid()\n")
    tasks = [Task(f"t{n}", "own:run", {"n": Constant(n)}, figures=("Output",)) for n in range(3)]
    outcome = harness.run(tasks)
    assert len({outcome.figure(task.name, "Output") for task in tasks}) == 3


def test_a_projects_own_modules_do_not_shadow_the_runners(
    harness: RunnerHarness, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "socket.py").write_text("raise RuntimeError('shadowed')")
    monkeypatch.chdir(folder)
    harness.write("plain", "def run() -> int:\n    return 1\n")
    outcome = harness.run([Task("plain", "plain:run", figures=("Output",))])
    assert outcome.figure("plain", "Output") == 1


def test_outputs_of_skipped_steps_are_errors_of_the_reader(harness: RunnerHarness) -> None:
    from mizzen.adapters.local_runner.input_resolver import InputResolver, Result

    board = InputResolver({})
    board.results["before"] = Result(skipped=True)
    with pytest.raises(MizzenError, match="was skipped"):
        board.inputs(Task("t", "m:f", {"a": Output("before", "x")}))
