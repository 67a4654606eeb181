"""A run and its steps as MLflow runs: one page for the run, one below it for every attempt.

Everything here can be told twice: pages are found by their tags before they are made.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mizzen.adapters.mlflow import connection
from mizzen.adapters.mlflow.dataset import dataset_input
from mizzen.adapters.mlflow.run_note import describe
from mizzen.core.place import Place

if TYPE_CHECKING:
    from mlflow.tracking import MlflowClient

RUN, KIND, STEP, ATTEMPT = "mizzen.run_id", "mizzen.kind", "mizzen.step", "mizzen.attempt"
_STATUS = {
    "running": "RUNNING",
    "cached": "FINISHED",
    "succeeded": "FINISHED",
    "skipped": "FINISHED",
    "failed": "FAILED",
    "cancelled": "KILLED",
    "interrupted": "KILLED",
}
LARGEST = 8 * 1024 * 1024  # bytes of an artifact that are copied; of a larger one, its path
_LONGEST = 5000  # characters; MLflow refuses longer tags and parameters
_BATCH = 100


class Pages:
    """Writes one project's pages."""

    def __init__(self, client: MlflowClient, place: Place) -> None:
        self._client = client
        self._place = place
        self._known: dict[tuple[str, ...], str] = {}

    def tell(self, record: Mapping[str, Any]) -> None:
        """One record of an outbox: `start`, `step` or `finish`."""
        run = record["run_id"]
        if record["what"] == "start":
            page = self._page({RUN: run, KIND: "run"}, record["name"], record["at"])
            self._client.update_run(page, status="RUNNING")
            self._parameters(page, record["parameters"])
        elif record["what"] == "step":
            self._step(run, record)
        else:
            page = self._page({RUN: run, KIND: "run"}, run, record["at"])
            self._client.set_tag(page, "mizzen.state", record["state"])
            self._metrics(page, record["figures"], record["at"])
            self._client.set_terminated(page, _STATUS.get(record["state"], "KILLED"), record["at"])

    def _step(self, run: str, record: Mapping[str, Any]) -> None:
        name, state, attempt = record["step"], record["state"], record["attempt"]
        if state not in _STATUS:
            return  # nothing has happened yet
        parent = self._page({RUN: run, KIND: "run"}, run, record["at"])
        tags = {RUN: run, KIND: "step", STEP: name, ATTEMPT: str(attempt)}
        title = name if attempt == 1 else f"{name} (attempt {attempt})"
        page = self._page(tags, title, record["at"], {"mlflow.parentRunId": parent})
        self._client.set_tag(page, "mizzen.state", state)
        self._parameters(page, record["parameters"])
        self._metrics(page, record["figures"], record["at"])
        for key, value in record["figures"].items():
            if isinstance(value, str):
                self._client.set_tag(page, key, value[:_LONGEST])
        # by their own names, so that a table of runs is sorted by them
        self._metrics(parent, record.get("metrics", {}), record["at"])
        if record.get("dataset"):  # MLflow keeps one input of a name and digest
            self._client.log_inputs(parent, [dataset_input(record["dataset"])])
        if record.get("card"):
            describe(self._client, parent, record["card"])
        if state == "running":
            return
        self._files(page, record)
        self._client.set_terminated(page, _STATUS[state], record["at"])

    def _page(
        self, tags: dict[str, str], title: str, at: int, more: Mapping[str, str] | None = None
    ) -> str:
        key = tuple(tags.values())
        if key not in self._known:
            found = connection.find_run(self._client, self._place, tags)
            self._known[key] = found or self._open({**tags, **(more or {})}, title, at)
        return self._known[key]

    def _open(self, tags: dict[str, str], title: str, at: int) -> str:
        where = connection.experiment(self._client, self._place)
        run = self._client.create_run(where, start_time=at, tags=tags, run_name=title)
        return str(run.info.run_id)

    def _parameters(self, page: str, values: Mapping[str, Any]) -> None:
        from mlflow.entities import Param

        known = self._client.get_run(page).data.params if values else {}
        fresh = [Param(k, str(v)[:_LONGEST]) for k, v in values.items() if k not in known]
        for first in range(0, len(fresh), _BATCH):
            self._client.log_batch(page, params=fresh[first : first + _BATCH])

    def _metrics(self, page: str, figures: Mapping[str, Any], at: int) -> None:
        from mlflow.entities import Metric

        numbers = {k: float(v) for k, v in figures.items() if isinstance(v, bool | int | float)}
        metrics = [Metric(k, v, at, 0) for k, v in numbers.items() if math.isfinite(v)]
        if metrics:
            self._client.log_batch(page, metrics=metrics)

    def _files(self, page: str, record: Mapping[str, Any]) -> None:
        log = Path(record["log"])
        if log.exists() and log.stat().st_size:
            self._client.log_artifact(page, str(log), "log")
        if record["error"]:
            self._client.log_dict(page, record["error"], "error.json")
        for name, text in record["artifacts"].items():
            self._artifact(page, name, Path(text))

    def _artifact(self, page: str, name: str, path: Path) -> None:
        if not path.exists():
            return
        if _size(path) > LARGEST:
            note = f"{path}\n{_size(path)} bytes, not copied\n"
            self._client.log_text(page, note, f"{name}.path.txt")
        elif path.is_dir():
            self._client.log_artifacts(page, str(path), name)
        else:
            self._client.log_artifact(page, str(path), name)


def milliseconds(at: datetime) -> int:
    """MLflow's unit of time."""
    return int(at.timestamp() * 1000)


def _size(path: Path) -> int:
    files = path.rglob("*") if path.is_dir() else [path]
    return sum(file.stat().st_size for file in files if file.is_file())
