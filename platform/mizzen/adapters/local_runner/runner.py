"""The local back end of the runner port."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from pathlib import Path

from mizzen.adapters.files.atomic import replace_text
from mizzen.adapters.local_runner.execution import Execution
from mizzen.adapters.local_runner.folder import RunFolder
from mizzen.adapters.local_runner.worker import DISK_FULL, disk_full
from mizzen.core.place import Place
from mizzen.core.plan import Plan
from mizzen.core.plan_json import from_json, to_json
from mizzen.core.runs import Outcome, RunState, StepEvent
from mizzen.errors import NotFound, Unsupported
from mizzen.ports.runner import Observer, Runner, Submission


class LocalRunner(Runner):
    """Executes plans on this machine; see the package's text for the processes."""

    def __init__(self, place: Place) -> None:
        self._place = place

    def execute(self, submission: Submission, observe: Observer) -> Outcome:
        """Run to the end, reporting each change; see the port."""
        _refuse(submission.plan)
        submission.plan.bind(submission.arguments)
        folder = RunFolder(submission.folder)
        try:
            folder.create()
            unwanted = folder.state is None and folder.cancelled
            with folder.locked() as lock:
                state = self._execute(submission, observe, folder, lock, unwanted)
        except OSError as error:
            if error.errno in DISK_FULL:
                raise disk_full(error) from error
            raise
        return Outcome(submission.run_id, state, _last(folder, submission.plan))

    def stored(self, folder: Path, place: Place) -> Submission:
        """What was submitted into `folder`."""
        try:
            document = json.loads((folder / "plan.json").read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise NotFound(f"no run in {folder}", next_step="see: mizzen runs list") from None
        plan, arguments = from_json(document["plan"]), document["arguments"]
        return Submission(document["run_id"], plan, arguments, folder, place, document["cache"])

    def describe(self, folder: Path) -> RunState:
        """The run's state, read from its folder."""
        if not folder.is_dir():
            raise NotFound(f"no run in {folder}", next_step="see: mizzen runs list")
        run = RunFolder(folder)
        held = run.held
        state = run.state or (RunState.CANCELLED if run.cancelled else RunState.QUEUED)
        return RunState.INTERRUPTED if state is RunState.RUNNING and not held else state

    def events(self, folder: Path) -> Iterator[StepEvent]:
        """All events so far, oldest first."""
        return RunFolder(folder).events()

    def logs(self, folder: Path, step: str) -> str:
        """What a step printed, all attempts in order."""
        _refuse_unknown(folder, step)
        files = RunFolder(folder).logs(step)
        return "".join(file.read_text(encoding="utf-8", errors="replace") for file in files)

    def cancel(self, folder: Path) -> None:
        """Stop a run; returns once no step of it runs."""
        run = RunFolder(folder)
        if run.state is not None and run.state.ended:
            return
        folder.mkdir(parents=True, exist_ok=True)
        attempt = run.attempt
        run.ask_to_stop(attempt)
        while run.held and run.attempt == attempt:
            time.sleep(0.02)
        if run.state is RunState.RUNNING and not run.held:  # its runner had died
            run.state = RunState.CANCELLED

    def _execute(
        self,
        submission: Submission,
        observe: Observer,
        folder: RunFolder,
        lock: int,
        unwanted: bool,
    ) -> RunState:
        if unwanted:
            folder.state = RunState.CANCELLED
            return RunState.CANCELLED
        _write_plan(submission)
        folder.fix()
        folder.state = RunState.RUNNING
        try:
            folder.state = state = Execution(submission, observe, folder, lock).run()
        except Exception:
            folder.state = RunState.FAILED
            raise
        return state


def _refuse(plan: Plan) -> None:
    for task in plan.tasks:
        if task.environment.get("MIZZEN_NODES", "1") != "1":
            raise Unsupported(
                "the local runner has one node",
                given=f"task {task.name}: {task.environment['MIZZEN_NODES']} nodes",
                next_step="set trainer.resources.nodes to 1, or use a cluster's profile",
            )
        if task.resources.accelerators > (seen := _accelerators()):
            raise Unsupported(
                f"task {task.name} asks for {task.resources.accelerators} accelerators",
                given=f"{seen} on this machine",
                next_step="remove trainer.resources.gpu: a GPU is used when there is one",
            )


def _accelerators() -> int:
    names = os.listdir("/dev")  # noqa: PTH208 (names only)
    return sum(name.startswith("nvidia") and name[6:].isdigit() for name in names)


def _refuse_unknown(folder: Path, step: str) -> None:
    try:
        plan = from_json(json.loads((folder / "plan.json").read_text(encoding="utf-8"))["plan"])
    except FileNotFoundError:  # it never came to its first step
        raise NotFound(f"no step of run {folder.name} has begun") from None
    names = [task.name for task in plan.tasks]
    if step not in names:
        raise NotFound(f"run {folder.name} has no step {step!r}", allowed=", ".join(names))


def _write_plan(submission: Submission) -> None:
    document = {
        "run_id": submission.run_id,
        "arguments": dict(submission.arguments),
        "cache": submission.cache,
        "plan": to_json(submission.plan),
    }
    replace_text(submission.folder / "plan.json", json.dumps(document))


def _last(folder: RunFolder, plan: Plan) -> dict[str, StepEvent]:
    last = {event.step: event for event in folder.events()}
    return {task.name: last[task.name] for task in plan.tasks if task.name in last}
