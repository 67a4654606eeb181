"""`mizzen demo`: runs a project's script (`demo.yaml`), step by step.

Nothing here knows any project. Each step's digest stands for everything that it depends on, the
steps before it included: an unchanged finished step is not run again, an interrupted one
resumes where it was. So a killed demo ends as an undisturbed one.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal

from mizzen.control.check.checks import DEMO_FILE
from mizzen.control.controller.leadership import leading
from mizzen.control.demo import steps
from mizzen.control.runs.inputs import pack_code, source_digest
from mizzen.control.runs.observers import OnEvent
from mizzen.control.workspace import Workspace
from mizzen.spec.demo import DemoScript, DemoStep, ReplayStep, TrainStep, UpStep, WatchStep
from mizzen.spec.load import load_model
from mizzen.state.records import DemoStepRecord


@dataclass(frozen=True, slots=True)
class DemoEvent:
    """One step of the demo. `begun` is reported before the step, the other two after it."""

    position: int
    steps: int
    kind: str
    title: str
    state: Literal["begun", "done", "reused"]
    seconds: float = 0.0
    result: Mapping[str, Any] = field(default_factory=dict)


OnStep = Callable[[DemoEvent], None]


def read_script(workspace: Workspace) -> DemoScript:
    """The project's demo.

    Raises:
        InvalidProject: there is none, or it is not right.
    """
    file = workspace.folder / DEMO_FILE
    return load_model(file, DemoScript, f"write {file}, or train without a demo: mizzen run")


def run_demo(
    workspace: Workspace, on_step: OnStep | None = None, on_event: OnEvent | None = None
) -> list[DemoEvent]:
    """Every step in order; `on_step` sees them, `on_event` the steps of the runs within. No
    controller acts meanwhile: the demo watches its season itself.

    Raises:
        StepFailed: a run failed, or a step found something else than the demo expects.
    """
    demo = read_script(workspace)
    digest = _beginning(workspace)
    events = []
    with leading(workspace):
        for position, step in enumerate(demo.steps):
            digest = _digest(digest, step)
            one = _Step(workspace, step, position, len(demo.steps), digest)
            if on_step is not None:
                on_step(one.event("begun", 0.0, {}))
            events.append(one.go(on_event))
            if on_step is not None:
                on_step(events[-1])
    return events


class _Step:
    """One step with its memory."""

    def __init__(
        self, workspace: Workspace, step: DemoStep, position: int, steps: int, digest: str
    ) -> None:
        self._workspace, self._step = workspace, step
        self._position, self._steps, self._digest = position, steps, digest

    def go(self, on_event: OnEvent | None) -> DemoEvent:
        """Do it, go on with it, or take it as done."""
        known = self._workspace.state.chapters.get(
            self._workspace.spec.name, "demo", self._position
        )
        mine = known.result if known is not None and known.digest == self._digest else {}
        if mine.get("done") and not isinstance(self._step, UpStep):
            return self.event("reused", 0.0, mine)
        began = time.monotonic()
        result = self._do(mine, on_event)
        self._keep({**result, "done": True})
        return self.event("done", time.monotonic() - began, result)

    def event(
        self, state: Literal["begun", "done", "reused"], seconds: float, result: Any
    ) -> DemoEvent:
        """The step in words."""
        shown = {name: value for name, value in result.items() if name != "done"}
        kind = steps.kind_of(self._step)
        return DemoEvent(
            self._position, self._steps, kind, self._step.title or kind, state, seconds, shown
        )

    def _do(self, before: Mapping[str, Any], on_event: OnEvent | None) -> dict[str, Any]:
        workspace, step = self._workspace, self._step
        if isinstance(step, TrainStep):
            begun = lambda run_id: self._keep({"run": run_id})  # noqa: E731
            return steps.train(workspace, step, before.get("run"), begun, on_event)
        if isinstance(step, UpStep):
            return steps.up(workspace)
        if isinstance(step, ReplayStep):
            return steps.replay(workspace, step, on_event)
        if isinstance(step, WatchStep):
            return steps.watch(workspace, step, on_event)
        raise AssertionError(step)

    def _keep(self, result: Mapping[str, Any]) -> None:
        name, now = self._workspace.spec.name, datetime.now(UTC)
        self._workspace.state.projects.ensure(name, str(self._workspace.folder), now)
        chapter = DemoStepRecord(name, "demo", self._position, self._digest, result, now)
        self._workspace.state.chapters.keep(chapter)


def _beginning(workspace: Workspace) -> str:
    parts = [
        pack_code(workspace),
        source_digest(workspace),
        workspace.spec.model_dump_json(),
    ]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def _digest(before: str, step: DemoStep) -> str:
    return hashlib.sha256(f"{before}{step.model_dump_json()}".encode()).hexdigest()
