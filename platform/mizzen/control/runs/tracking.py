"""Runs appear in the tracker with no code in the steps: a process beside the run tells it.

A process of its own, since loading a tracking library takes seconds that no step should wait
for, and started with the first step that really executes: a run in which nothing changed
loads none. `python -m mizzen.control.runs.tracking` is that process; it reads one message a line.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mizzen.control.runs.events import event_document, line, read_event, read_outcome
from mizzen.core.place import Place
from mizzen.core.runs import Outcome, RunState, StepEvent, StepState
from mizzen.errors import MizzenError
from mizzen.streams import guard_streams

TRACKER = "mlflow"
FLUSH_SECONDS = 120
LOG = "tracking.log"


class Tracking:
    """The run's side: an observer of its steps."""

    def __init__(
        self, place: Place, run_id: str, name: str, parameters: Mapping[str, Any], folder: Path
    ) -> None:
        self._place, self._folder = place, folder
        self._opening = {"run_id": run_id, "name": name, "parameters": dict(parameters)}
        self._waiting: list[StepEvent] = []
        self._process: subprocess.Popen[bytes] | None = None

    def __call__(self, event: StepEvent) -> None:
        """Pass an event on; cached steps wait until a step executes."""
        if self._process is None:
            self._waiting.append(event)
            if event.state is not StepState.RUNNING:
                return
            self._start()
        else:
            self._send(line("event", event_document(event)))

    def finish(self, outcome: Outcome) -> None:
        """Close the page; does nothing if none was opened. Returns when the page of a run that
        succeeded is complete; of any other at once, since its cause is to be told first."""
        if self._process is None:
            return
        self._send(line("outcome", outcome))
        with contextlib.suppress(OSError):
            if self._process.stdin is not None:
                self._process.stdin.close()
        if outcome.state is RunState.SUCCEEDED:
            _await(self._process)
        else:  # the process goes on by itself; a daemon thread only reaps it
            threading.Thread(target=_await, args=(self._process,), daemon=True).start()

    def _start(self) -> None:
        with (self._folder / LOG).open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "mizzen.control.runs.tracking"],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                env={**os.environ, **self._place.to_environment()},
                cwd=self._folder,
                umask=0o077,
                start_new_session=True,  # Ctrl-C stops the run; its page is still closed
            )
        self._send(line("start", self._opening))
        for event in self._waiting:
            self._send(line("event", event_document(event)))
        self._waiting.clear()

    def _send(self, message: bytes) -> None:
        # a tracker that is gone never fails a run; its log says why it went
        with contextlib.suppress(OSError):
            if self._process is not None and self._process.stdin is not None:
                self._process.stdin.write(message)
                self._process.stdin.flush()


def _await(process: subprocess.Popen[bytes]) -> None:
    try:
        process.wait(FLUSH_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def main() -> int:
    """Track one run; its messages come on the standard input."""
    from mizzen.adapters.backends import load_backend

    try:
        tracker = load_backend("tracker", TRACKER)(Place.from_environment(os.environ))
        for text in sys.stdin:
            kind, content = json.loads(text)
            if kind == "start":
                tracker.start(**content)
            elif kind == "event":
                tracker.record(read_event(content))
            else:
                tracker.finish(read_outcome(content))
    except MizzenError as error:
        print(error, file=sys.stderr)  # noqa: T201 (the run's tracking log)
        return error.exit_code
    return 0


if __name__ == "__main__":
    guard_streams()
    sys.exit(main())
