"""A place of its own, step modules written on the spot, and runs through the real runner."""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from mizzen.adapters.local_runner.runner import LocalRunner
from mizzen.core.place import Place
from mizzen.core.plan import Plan, Task
from mizzen.core.plan_json import to_json
from mizzen.core.runs import Outcome, StepEvent, StepState
from mizzen.ports.runner import Submission
from mizzen.spec.profile import Profile

# Executes a run in a process of its own, for tests that kill the runner.
DRIVER = """
import json, sys
from pathlib import Path
from mizzen.adapters.local_runner.runner import LocalRunner
from mizzen.core.place import Place
from mizzen.core.plan_json import from_json
from mizzen.ports.runner import Submission

order = json.loads(Path(sys.argv[1]).read_text())
sys.path[:0] = order["path"]
place = Place.from_environment(order["place"])
submission = Submission(
    order["run_id"], from_json(order["plan"]), order["arguments"], Path(order["folder"]), place
)
print(LocalRunner(place).execute(submission, lambda event: None).state)
"""


@dataclass
class RunnerHarness:
    """One home with its runner; `modules` is the folder of step modules."""

    place: Place
    modules: Path
    events: list[StepEvent] = field(default_factory=list)

    @property
    def runner(self) -> LocalRunner:
        return LocalRunner(self.place)

    @property
    def home(self) -> Path:
        return self.place.home

    def folder(self, run_id: str = "run") -> Path:
        return self.home / "runs" / run_id

    def write(self, module: str, text: str) -> None:
        (self.modules / f"{module}.py").write_text(textwrap.dedent(text), encoding="utf-8")

    def submission(
        self, tasks: Sequence[Task] | Plan, run_id: str = "run", **options: Any
    ) -> Submission:
        plan = tasks if isinstance(tasks, Plan) else Plan("test", tuple(tasks))
        arguments = options.pop("arguments", {})
        return Submission(run_id, plan, arguments, self.folder(run_id), self.place, **options)

    def run(self, tasks: Sequence[Task] | Plan, run_id: str = "run", **options: Any) -> Outcome:
        submission = self.submission(tasks, run_id, **options)
        self.events.clear()
        return self.runner.execute(submission, self.events.append)

    def apart(self, tasks: Sequence[Task], run_id: str = "run") -> subprocess.Popen[str]:
        """The same in another process."""
        self.home.mkdir(parents=True, exist_ok=True)
        order = self.home / f"{run_id}.order.json"
        document = {
            "path": [str(self.modules)],
            "place": self.place.to_environment(),
            "plan": to_json(Plan("test", tuple(tasks))),
            "run_id": run_id,
            "arguments": {},
            "folder": str(self.folder(run_id)),
        }
        order.write_text(json.dumps(document))
        command = [sys.executable, "-c", DRIVER, str(order)]
        return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)

    def log(self, step: str, run_id: str = "run") -> str:
        return self.runner.logs(self.folder(run_id), step)


@pytest.fixture
def harness(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RunnerHarness:
    modules = tmp_path / "step modules"
    modules.mkdir()
    monkeypatch.syspath_prepend(str(modules))
    profile = Profile.model_validate({"apiVersion": "mizzen.dev/v1", "kind": "Profile"})
    return RunnerHarness(Place("test", tmp_path / "a home", profile), modules)


@pytest.fixture
def wide(harness: RunnerHarness) -> RunnerHarness:
    """Four steps side by side."""
    profile = harness.place.profile.model_copy(update={"parallel": 4})
    harness.place = replace(harness.place, profile=profile)
    return harness


def states(outcome: Outcome) -> Mapping[str, str]:
    return {name: event.state.value for name, event in outcome.steps.items()}


def executed(events: Sequence[StepEvent]) -> list[str]:
    return [event.step for event in events if event.state is StepState.RUNNING]


def until(condition: Callable[[], Any], seconds: float = 30) -> Any:
    """The first truthy answer; a test that never gets one fails here."""
    deadline = time.monotonic() + seconds
    while not (answer := condition()):
        if time.monotonic() > deadline:
            pytest.fail("it did not happen")
        time.sleep(0.02)
    return answer
