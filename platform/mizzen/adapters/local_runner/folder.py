"""A run's folder: the layout, and who may write into it.

::

    plan.json                     the plan, the arguments and the run id, as submitted
    state                         one word of `RunState`
    events.jsonl                  one `StepEvent` a line, oldest first
    lock                          held while a process executes the run or cleans up after it;
                                  names that attempt
    cancel                        the attempt that is asked to stop
    logs/<task>.<attempt>.log     what the step printed
    steps/<task>/outputs/<name>   its artifacts
    steps/<task>/work/<key>/      what a step keeps for its next attempt (`MIZZEN_WORK`), until
                                  it has finished
    steps/<task>/done.json        its cache key and last event, once it has finished
    steps/<task>/request.json, result.json   what the step's process was asked and answered
"""

from __future__ import annotations

import json
import os
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import fields
from datetime import datetime
from pathlib import Path
from typing import Any

from mizzen.adapters.files.atomic import replace_text
from mizzen.adapters.files.locks import is_locked, try_hold
from mizzen.core.runs import RunState, StepEvent, StepState
from mizzen.errors import Conflict

_REPEATABLE = {StepState.RUNNING, StepState.CACHED, StepState.SKIPPED}
_TAKEOVER = 5.0  # seconds in which a dead run's subreaper has killed the last step


class RunFolder:
    """Reads and writes the files of one run."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._events = root / "events.jsonl"

    def create(self) -> None:
        """Make what is missing."""
        for folder in (self.root / "logs", self.root / "steps"):
            folder.mkdir(parents=True, exist_ok=True)

    def step(self, task: str) -> Path:
        """The folder of one task."""
        return self.root / "steps" / task

    def work(self, task: str) -> Path:
        """What outlives the attempts of one task; one folder for each cache key."""
        return self.step(task) / "work"

    def log(self, task: str, attempt: int) -> Path:
        """The log of one attempt."""
        return self.root / "logs" / f"{task}.{attempt}.log"

    def logs(self, task: str) -> list[Path]:
        """All logs of a task, first attempt first."""
        found = self.root.joinpath("logs").glob(f"{task}.*.log")
        mine = [path for path in found if path.name[len(task) + 1 : -4].isdigit()]
        return sorted(mine, key=lambda path: int(path.name[len(task) + 1 : -4]))

    @property
    def state(self) -> RunState | None:
        """The state as last written; None when the run never started."""
        try:
            return RunState((self.root / "state").read_text(encoding="utf-8"))
        except FileNotFoundError:
            return None

    @state.setter
    def state(self, state: RunState) -> None:
        replace_text(self.root / "state", state.value)

    @property
    def attempt(self) -> str:
        """Names the process that executes the run, or did so last; empty before the first."""
        try:
            return (self.root / "lock").read_text(encoding="utf-8")
        except FileNotFoundError:
            return ""

    @property
    def cancelled(self) -> bool:
        """Whether somebody asked this very attempt to stop."""
        try:
            return (self.root / "cancel").read_text(encoding="utf-8") == self.attempt
        except FileNotFoundError:
            return False

    def ask_to_stop(self, attempt: str) -> None:
        """Ask an attempt to stop; the empty one is that which has not begun."""
        replace_text(self.root / "cancel", attempt)

    def append(self, event: StepEvent) -> None:
        """Add an event; the end of a step is on the disk before this returns. A start, or a
        result from the cache, is found again without it."""
        line = json.dumps(encode(event)) + "\n"
        with self._events.open("a", encoding="utf-8") as file:
            file.write(line)
            if event.state not in _REPEATABLE:
                file.flush()
                os.fsync(file.fileno())

    def events(self) -> Iterator[StepEvent]:
        """All events; a line that a crash left half-written is skipped."""
        if not self._events.exists():
            return
        for line in self._events.read_text(encoding="utf-8").splitlines():
            try:
                yield decode(json.loads(line))
            except ValueError:
                continue

    def fix(self) -> None:
        """End a half-written last line, so that the next event starts on its own."""
        whole = self._events.read_bytes() if self._events.exists() else b""
        if whole and not whole.endswith(b"\n"):
            with self._events.open("ab") as file:
                file.write(b"\n")

    @contextmanager
    def locked(self) -> Iterator[int]:
        """Hold the run; gives the lock's file descriptor, for the subreaper.

        Raises:
            Conflict: another process executes it.
        """
        descriptor = os.open(self.root / "lock", os.O_RDWR | os.O_CREAT, 0o644)
        try:
            if not _take(descriptor, 0.5 if _alive(self.attempt) else _TAKEOVER):
                raise Conflict(
                    f"another process executes the run in {self.root}",
                    next_step="wait for it, or cancel it",
                )
            os.truncate(descriptor, 0)
            os.pwrite(descriptor, f"{os.getpid()} {uuid.uuid4().hex}".encode(), 0)
            yield descriptor
        finally:
            os.close(descriptor)

    @property
    def held(self) -> bool:
        """Whether a process executes the run now."""
        return is_locked(self.root / "lock")


def encode(event: StepEvent) -> dict[str, Any]:
    """An event as JSON."""
    # by hand: `asdict` copies deeply, which costs more than everything else here
    document = {field.name: getattr(event, field.name) for field in fields(event)}
    document |= {"at": event.at.isoformat(), "figures": dict(event.figures)}
    document["artifacts"] = {name: str(path) for name, path in event.artifacts.items()}
    return document


def decode(document: dict[str, Any]) -> StepEvent:
    """The inverse of `encode`."""
    artifacts = {name: Path(path) for name, path in document["artifacts"].items()}
    at = datetime.fromisoformat(document["at"])
    return StepEvent(
        **{**document, "state": StepState(document["state"]), "at": at, "artifacts": artifacts}
    )


def _alive(attempt: str) -> bool:
    process = attempt.partition(" ")[0]
    return process.isdigit() and Path("/proc", process).exists()


def _take(descriptor: int, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while not try_hold(descriptor):
        if time.monotonic() >= deadline:
            return False
        time.sleep(0.02)
    return True
