"""`mizzen demo`: tells a project's story (`demo.yaml`), step by step.

Nothing here knows any project. Each step's digest stands for everything that it depends on, the
steps before it included: an unchanged finished step is not told again, an interrupted one goes
on where it was. So a killed story ends as an undisturbed one.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal

from mizzen.control import telling
from mizzen.control.check.checks import STORY_FILE
from mizzen.control.observers import Watch
from mizzen.control.sources import pack_code, source_digest
from mizzen.control.state.records import Chapter
from mizzen.control.workspace import Workspace
from mizzen.spec.load import load_model
from mizzen.spec.story import ReplayStep, Story, StoryStep, TrainStep, UpStep, WatchStep


@dataclass(frozen=True, slots=True)
class Told:
    """One step of the story. `begun` is told before the step, the other two after it."""

    position: int
    steps: int
    kind: str
    title: str
    state: Literal["begun", "done", "reused"]
    seconds: float = 0.0
    result: Mapping[str, Any] = field(default_factory=dict)


Tell = Callable[[Told], None]


def read_story(workspace: Workspace) -> Story:
    """The project's story.

    Raises:
        InvalidProject: there is none, or it is not right.
    """
    file = workspace.folder / STORY_FILE
    return load_model(file, Story, f"write {file}, or train without a story: mizzen run")


def tell_story(
    workspace: Workspace, tell: Tell | None = None, watch: Watch | None = None
) -> list[Told]:
    """Every step in order; `watch` sees the steps of the runs within.

    Raises:
        StepFailed: a run failed, or a step found something else than the story expects.
    """
    story = read_story(workspace)
    digest = _beginning(workspace)
    told = []
    for position, step in enumerate(story.steps):
        digest = _digest(digest, step)
        one = _Step(workspace, step, position, len(story.steps), digest)
        if tell is not None:
            tell(one.told("begun", 0.0, {}))
        told.append(one.go(watch))
        if tell is not None:
            tell(told[-1])
    return told


class _Step:
    """One step with its memory."""

    def __init__(
        self, workspace: Workspace, step: StoryStep, position: int, steps: int, digest: str
    ) -> None:
        self._workspace, self._step = workspace, step
        self._position, self._steps, self._digest = position, steps, digest

    def go(self, watch: Watch | None) -> Told:
        """Do it, go on with it, or take it as done."""
        known = self._workspace.state.chapters.get(
            self._workspace.spec.name, "demo", self._position
        )
        mine = known.result if known is not None and known.digest == self._digest else {}
        if mine.get("done") and not isinstance(self._step, UpStep):
            return self.told("reused", 0.0, mine)
        began = time.monotonic()
        result = self._do(mine, watch)
        self._keep({**result, "done": True})
        return self.told("done", time.monotonic() - began, result)

    def told(self, state: Literal["begun", "done", "reused"], seconds: float, result: Any) -> Told:
        """The step in words."""
        shown = {name: value for name, value in result.items() if name != "done"}
        kind = telling.kind_of(self._step)
        return Told(
            self._position, self._steps, kind, self._step.title or kind, state, seconds, shown
        )

    def _do(self, before: Mapping[str, Any], watch: Watch | None) -> dict[str, Any]:
        workspace, step = self._workspace, self._step
        if isinstance(step, TrainStep):
            begun = lambda run_id: self._keep({"run": run_id})  # noqa: E731
            return telling.train(workspace, step, before.get("run"), begun, watch)
        if isinstance(step, UpStep):
            return telling.up(workspace)
        if isinstance(step, ReplayStep):
            return telling.replay(workspace, step, watch)
        if isinstance(step, WatchStep):
            return telling.watch(workspace, step, watch)
        raise AssertionError(step)

    def _keep(self, result: Mapping[str, Any]) -> None:
        name, now = self._workspace.spec.name, datetime.now(UTC)
        self._workspace.state.projects.know(name, str(self._workspace.folder), now)
        chapter = Chapter(name, "demo", self._position, self._digest, result, now)
        self._workspace.state.chapters.keep(chapter)


def _beginning(workspace: Workspace) -> str:
    parts = [
        pack_code(workspace),
        source_digest(workspace),
        workspace.spec.model_dump_json(),
    ]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def _digest(before: str, step: StoryStep) -> str:
    return hashlib.sha256(f"{before}{step.model_dump_json()}".encode()).hexdigest()
