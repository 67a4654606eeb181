"""What a run knows already: its own finished steps, and the cache of its place."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from mizzen.adapters.cache.key import StepKeys, salted
from mizzen.adapters.cache.store import Entry, StepCache
from mizzen.adapters.cache.trees import remove_tree
from mizzen.adapters.files.atomic import replace_text
from mizzen.adapters.local_runner.folder import RunFolder, decode, encode
from mizzen.adapters.local_runner.input_resolver import Artifact, Inputs, Result
from mizzen.adapters.local_runner.keylock import KeyLock
from mizzen.core.place import Place
from mizzen.core.plan import Task
from mizzen.core.runs import StepEvent
from mizzen.errors import MizzenError
from mizzen.ports.runner import Submission

HOLDS = "MIZZEN_HOLDS"  # `module:function` of a step, see `mizzen_pipelines.steps`


@dataclass(frozen=True, slots=True)
class CachedStep:
    """A result that need not be computed; `event` is there when this run computed it."""

    result: Result
    event: StepEvent | None


class RunCache:
    """Recalls and keeps results of one run's steps."""

    def __init__(self, submission: Submission, folder: RunFolder) -> None:
        self._submission = submission
        self._folder = folder
        self._home = submission.place.home
        self._cache = StepCache(self._home)
        self._keys = StepKeys(submission.place)

    def key(self, task: Task, inputs: Inputs) -> str:
        """Where the task's result lies. A result that no other run may use lies under a key
        that only this run knows."""
        key = self._shared_key(task, inputs)
        reusable = self._submission.cache and task.cache
        return key if reusable else salted(key, self._submission.run_id)

    def recall(self, task: Task, key: str) -> CachedStep | None:
        """A known result, its outputs verified and placed in the run's folder."""
        entry = self._cache.find(key)
        placed = self._cache.place(entry, self.outputs(task)) if entry else None
        if entry is None or placed is None or not self._holds(task, placed):
            return None
        return CachedStep(_result(entry, placed), self._done(task, key))

    def keep(self, task: Task, inputs: Inputs, key: str, answer: Mapping[str, Any]) -> Result:
        """Store what a step's process returned and wrote."""
        outputs = {name: self.outputs(task) / name for name in task.artifacts}
        entry = self._cache.keep(key, task.step, answer["seconds"], answer["figures"], outputs)
        if task.cache and not self._submission.cache:
            self._cache.alias(entry, self._shared_key(task, inputs))
        return _result(entry, outputs)

    def finished(self, task: Task, key: str, event: StepEvent) -> None:
        """Remember that this run is done with a task."""
        document = {"key": key, "event": encode(event)}
        replace_text(self._folder.step(task.name) / "done.json", json.dumps(document))

    def lock(self, key: str) -> KeyLock | None:
        """The right to compute a key's result; None while another run computes it."""
        return KeyLock.take(self._home / "cache" / "locks", key)

    def outputs(self, task: Task) -> Path:
        """Where a task's artifacts lie."""
        return self._folder.step(task.name) / "outputs"

    def work(self, task: Task, key: str) -> Path:
        """What attempts at this very result share; another key never finds it."""
        return self._folder.work(task.name) / key[:20]

    def forget_work(self, task: Task) -> None:
        """The result is there: nothing is left to go on with."""
        remove_tree(self._folder.work(task.name))

    def save(self) -> None:
        """Keep what makes the next run's keys fast."""
        self._keys.save()

    def _shared_key(self, task: Task, inputs: Inputs) -> str:
        hashes = {name: artifact.hash for name, artifact in inputs.artifacts.items()}
        return self._keys.key(task, inputs.values, hashes)

    def _holds(self, task: Task, placed: Mapping[str, Path]) -> bool:
        """Whether the step itself still stands by a result that it left."""
        reference = task.environment.get(HOLDS)
        if reference is None:
            return True
        module, _, function = reference.partition(":")
        holds = getattr(import_module(module), function)
        try:
            return bool(holds(self._submission.place, self._submission.environment, placed))
        except (MizzenError, OSError, ValueError, KeyError):
            return False  # it is computed again, and says itself what is wrong

    def _done(self, task: Task, key: str) -> StepEvent | None:
        with suppress(ValueError, KeyError, TypeError):
            document = _done(self._folder, task.name)
            if document is not None and document["key"] == key:
                return decode(document["event"])
        return None


def kept_result(place: Place, folder: Path, task: str) -> Result | None:
    """What a finished task of the run in `folder` left, its outputs compared with the hashes that
    they were stored under, and put back where they lay; None when they are gone."""
    run = RunFolder(folder)
    done, cache = _done(run, task), StepCache(place.home)
    entry = cache.find(done["key"]) if done else None
    placed = cache.place(entry, run.step(task) / "outputs") if entry else None
    return None if entry is None or placed is None else _result(entry, placed)


def _done(run: RunFolder, task: str) -> dict[str, Any] | None:
    with suppress(OSError, ValueError):
        text = (run.step(task) / "done.json").read_text(encoding="utf-8")
        document: dict[str, Any] = json.loads(text)
        return document
    return None


def _result(entry: Entry, placed: Mapping[str, Path]) -> Result:
    artifacts = {name: Artifact(placed[name], digest) for name, digest in entry.artifacts.items()}
    return Result(entry.figures, artifacts)
