"""Attempts of steps: what a process is asked, when it is out of time, what it answered."""

from __future__ import annotations

import errno
import json
import math
import shutil
import signal
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mizzen.adapters.cache.trees import remove_tree
from mizzen.adapters.local_runner.folder import RunFolder
from mizzen.adapters.local_runner.input_resolver import Inputs
from mizzen.adapters.local_runner.worker import disk_full
from mizzen.adapters.local_runner.worker_pool import WorkerPool, wait
from mizzen.core.plan import Task
from mizzen.core.reproducible import threads_of
from mizzen.errors import StepFailed
from mizzen.ports.runner import Submission

_NO_SPACE = 1 << 16  # bytes; a step that could not even write its answer
# Imported once by the zygote when a step declares them: 0.5 s less for each such step. They
# start no thread when they may use one only, which a test watches.
PRELOAD = ("numpy", "pandas", "pyarrow")


@dataclass(slots=True)
class Attempt:
    """One execution of a task's function; `seconds` is the whole life of the process."""

    task: Task
    number: int
    inputs: Inputs
    started: float = field(default_factory=time.monotonic)
    overdue: bool = False

    @property
    def seconds(self) -> float:
        return time.monotonic() - self.started

    @property
    def deadline(self) -> float:
        """When it is out of time, on the monotonic clock."""
        return math.inf if self.task.timeout is None else self.started + self.task.timeout


class Attempts:
    """The running attempts of one run."""

    def __init__(self, submission: Submission, folder: RunFolder, lock: int) -> None:
        self._submission = submission
        self._folder = folder
        self._lock = lock
        self._crews: dict[int, WorkerPool] = {}
        self._crew_of: dict[int, WorkerPool] = {}
        self.running: dict[int, Attempt] = {}
        self._next = 0

    def start(self, attempt: Attempt, outputs: Path, work: Path) -> None:
        """Start a process for it; `work` keeps what an earlier attempt at the same work left."""
        request = self._request(attempt, outputs)
        _only(work)
        crew = self._crew(attempt.task)
        self._next += 1
        self.running[self._next], self._crew_of[self._next] = attempt, crew
        crew.start(self._next, request, self._environment(attempt.task, work))

    def ended(self, seconds: float) -> list[tuple[Attempt, dict[str, Any]]]:
        """Attempts that ended within `seconds`, with their answers; ends overdue ones."""
        now = time.monotonic()
        for number, attempt in self.running.items():
            if attempt.deadline <= now and not attempt.overdue:
                attempt.overdue = True
                self._crew_of[number].kill(number)
        nearest = min((a.deadline for a in self.running.values() if not a.overdue), default=now + 9)
        found = []
        for crew in wait([*self._crews.values()], max(0.0, min(seconds, nearest - now))):
            for ended in crew.ended():
                attempt = self.running.pop(ended.id)
                found.append((attempt, self._answer(attempt, ended.status)))
        return found

    def close(self) -> None:
        """Kill what still runs; returns once nothing is left of it."""
        for crew in self._crews.values():
            crew.close()
        self.running.clear()

    def _crew(self, task: Task) -> WorkerPool:
        threads = threads_of(task.environment, task.resources.cpu)
        crew = self._crews.get(threads)
        if crew is None or not crew.alive:
            crew = WorkerPool(threads, self._lock, self._preload())
            self._crews[threads] = crew
        return crew

    def _preload(self) -> Sequence[str]:
        declared = [t.environment.get("MIZZEN_LIBRARIES", "") for t in self._submission.plan.tasks]
        return [name for name in PRELOAD if any(name in text.split(",") for text in declared)]

    def _request(self, attempt: Attempt, outputs: Path) -> Path:
        task, folder = attempt.task, self._folder.step(attempt.task.name)
        remove_tree(outputs)
        outputs.mkdir(parents=True)
        result = folder / "result.json"
        result.unlink(missing_ok=True)
        document = {
            "task": task.name,
            "step": task.step,
            "values": attempt.inputs.values,
            "inputs": {name: str(a.path) for name, a in attempt.inputs.artifacts.items()},
            "outputs": {name: str(outputs / name) for name in task.artifacts},
            "figures": task.figures,
            "path": sys.path,
            "log": str(self._folder.log(task.name, attempt.number)),
            "result": str(result),
            "folder": str(folder),
        }
        request = folder / "request.json"
        request.write_text(json.dumps(document), encoding="utf-8")
        return request

    def _environment(self, task: Task, work: Path) -> dict[str, str]:
        return {
            **task.environment,
            **self._submission.environment,
            **self._submission.place.to_environment(),
            "MIZZEN_RUN_ID": self._submission.run_id,
            "MIZZEN_TASK": task.name,
            "MIZZEN_WORK": str(work),
        }

    def _answer(self, attempt: Attempt, status: int) -> dict[str, Any]:
        task = attempt.task
        if attempt.overdue:
            return _error(
                f"step {task.name} ran longer than its timeout of {task.timeout:g} s",
                next_step="raise the timeout, or make the step faster",
            )
        try:
            text = (self._folder.step(task.name) / "result.json").read_text(encoding="utf-8")
            answer: dict[str, Any] = json.loads(text)
        except (FileNotFoundError, ValueError):
            if shutil.disk_usage(self._folder.root).free < _NO_SPACE:
                return {"error": disk_full(OSError(errno.ENOSPC, "full")).as_dict()}
            return _error(
                f"step {task.name} ended without an answer: {_how(status)}",
                next_step="see the step's log; SIGKILL often means that memory ran out",
            )
        return answer


def _only(work: Path) -> None:
    """Make the folder; what attempts at other work left beside it is of no use any more."""
    work.mkdir(parents=True, exist_ok=True)
    for other in work.parent.iterdir():
        if other != work:
            remove_tree(other)


def _error(message: str, next_step: str) -> dict[str, Any]:
    return {"error": StepFailed(message, next_step=next_step).as_dict()}


def _how(status: int) -> str:
    return signal.Signals(-status).name if status < 0 else f"exit status {status}"
