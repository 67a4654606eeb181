"""The tracker on MLflow (port: `mizzen.ports.tracker.Tracker`).

Control runs it in a process beside the run. Whatever happens is written to an outbox first and
told to MLflow second: while MLflow is away the run goes on, and a later run's tracker tells
what was left.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from mizzen.adapters.files.evaluation import measured_metrics, model_card
from mizzen.adapters.mlflow import connection
from mizzen.adapters.mlflow.dataset import dataset_of
from mizzen.adapters.mlflow.outbox import Outbox, Record, left_behind
from mizzen.adapters.mlflow.run_note import shortened
from mizzen.adapters.mlflow.run_pages import Pages, milliseconds
from mizzen.core.place import Place
from mizzen.core.runs import Outcome, StepEvent
from mizzen.errors import Conflict, TemporaryError
from mizzen.ports.tracker import Tracker

PAUSE = 15.0  # seconds before MLflow is asked again, once it did not answer


class MLflowTracker(Tracker):
    """Records one run."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._folder = place.home / "tracking"
        self._outbox: Outbox | None = None
        self._pages: Pages | None = None
        self._away_until = 0.0

    def start(self, run_id: str, name: str, parameters: Mapping[str, Any]) -> None:
        """See the port. First tells what earlier runs could not.

        Raises:
            Conflict: another process records this run.
        """
        self._outbox = Outbox.open(self._folder / f"{run_id}.jsonl")
        if self._outbox is None:
            raise Conflict(f"run {run_id} is being recorded by another process")
        self._put(
            what="start",
            run_id=run_id,
            at=milliseconds(datetime.now(UTC)),
            name=name,
            parameters=dict(parameters),
        )
        for outbox in left_behind(self._folder, self._outbox.file):
            self._send(outbox)
            outbox.close()

    def record(self, event: StepEvent) -> None:
        """See the port."""
        logs = self._place.home / "runs" / event.run_id / "logs"
        seconds = {} if event.seconds is None else {"seconds": event.seconds}
        card = model_card(event.artifacts)
        self._put(
            what="step",
            run_id=event.run_id,
            at=milliseconds(event.at),
            step=event.step,
            state=event.state.value,
            attempt=event.attempt,
            figures={**event.figures, **seconds},
            metrics=measured_metrics(event.artifacts),
            dataset=dataset_of(self._place.project, event),
            card=card and shortened(card),
            parameters=dict(event.parameters),
            artifacts={name: str(path) for name, path in event.artifacts.items()},
            error=dict(event.error) if event.error else None,
            log=str(logs / f"{event.step}.{event.attempt}.log"),
        )

    def finish(self, outcome: Outcome) -> None:
        """See the port. What MLflow did not take stays in the outbox, and the log says so."""
        figures = {
            f"{step}.{name}": value
            for step, event in outcome.steps.items()
            for name, value in event.figures.items()
        }
        self._away_until = 0.0
        self._put(
            what="finish",
            run_id=outcome.run_id,
            at=milliseconds(datetime.now(UTC)),
            state=outcome.state.value,
            figures=figures,
        )
        if self._outbox is not None:
            self._outbox.close()
            if len(self._outbox):
                _say(f"{len(self._outbox)} changes are kept in {self._outbox.file}")
        self._outbox = None

    def _put(self, **record: Any) -> None:
        if self._outbox is not None:
            self._outbox.put(record)
            self._send(self._outbox)

    def _send(self, outbox: Outbox) -> None:
        if time.monotonic() < self._away_until:
            return
        try:
            with connection.translated(self._place):
                outbox.send(self._teller())
        except TemporaryError as error:
            self._away_until = time.monotonic() + PAUSE
            self._pages = None
            _say(f"{error}\n  the run goes on; a later run tells MLflow what it missed")

    def _teller(self) -> Callable[[Record], None]:
        if self._pages is None:
            self._pages = Pages(connection.connect(self._place), self._place)
        return self._pages.tell


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)  # noqa: T201 (the run's tracking log)
