"""Logged predictions of one model version as columns, labels beside them.

The drift job reads the log here once and then works on slices of time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mizzen.core.baseline import OUTPUT, ColumnRows
from mizzen.core.true_labels import LabelRule
from mizzen.ports.prediction_log import LogWindow, Prediction, PredictionLog
from mizzen.spec.columns import ColumnKind
from mizzen.spec.project import ProjectSpec

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class LoggedRows:
    """Rows by rising event time. `seconds`: event times since the epoch. `columns`: inputs,
    label, output. `labels`: None where not known yet, or where what is stored is no label of
    the task; then `wrong` tells id and value. `scores`: what the model answered."""

    seconds: Floats
    columns: tuple[ColumnRows, ...]
    labels: NDArray[Any]
    wrong: NDArray[Any]
    scores: Floats

    def between(self, start: datetime | None, end: datetime | None) -> LoggedRows:
        """The rows of a half open window; None is unbounded."""
        low = -np.inf if start is None else start.timestamp()
        high = np.inf if end is None else end.timestamp()
        bounds = np.searchsorted(self.seconds, [low, high])
        part = slice(int(bounds[0]), int(bounds[1]))
        columns = tuple(replace(c, values=c.values[part]) for c in self.columns)
        labels, wrong = self.labels[part], self.wrong[part]
        return LoggedRows(self.seconds[part], columns, labels, wrong, self.scores[part])


def read_rows(
    log: PredictionLog,
    window: LogWindow,
    project: ProjectSpec,
    classes: tuple[str, ...],
    now: datetime,
) -> LoggedRows:
    """All predictions of the window, with the labels that are known at `now`."""
    logged = sorted(log.read(window), key=lambda prediction: prediction.at)
    known, rule = log.labels(now), LabelRule(project.task, classes)
    told = [known.get(prediction.id) for prediction in logged]
    sound = [label is not None and rule.knows(label.value) for label in told]
    pairs = list(zip(told, sound, strict=True))
    labels = _objects([rule.read(label.value) if label and ok else None for label, ok in pairs])
    wrong = [f"{x.prediction_id} ({x.value!r})" if x and not ok else None for x, ok in pairs]
    scores = np.array([p.output for p in logged], dtype=np.float64)
    if project.task == "multiclass":
        scores = scores.reshape(len(logged), len(classes))
    return LoggedRows(
        np.array([p.at.timestamp() for p in logged], dtype=np.float64),
        (
            *_inputs(logged, project),
            ColumnRows(project.label.column, "label", kind_of_label(project.task), labels),
            output_column(scores, project.task, classes),
        ),
        labels,
        _objects(wrong),
        scores,
    )


def event_times(log: PredictionLog, version: int, end: datetime) -> Floats:
    """When the predictions of a version before `end` were, in seconds since the epoch, rising."""
    logged = log.read(LogWindow(None, end, version))
    return np.sort(np.array([prediction.at.timestamp() for prediction in logged], np.float64))


def kind_of_label(task: str) -> ColumnKind:
    """Classes are names, whatever their type in the file."""
    return "number" if task == "regression" else "category"


def output_column(scores: Floats, task: str, classes: Sequence[str]) -> ColumnRows:
    """The model's answers as one column: a number, or the most probable class."""
    if task != "multiclass":
        return ColumnRows(OUTPUT, "output", "number", scores)
    chosen = _objects([classes[index] for index in scores.argmax(1)] if len(scores) else [])
    return ColumnRows(OUTPUT, "output", "category", chosen)


def _inputs(logged: Sequence[Prediction], project: ProjectSpec) -> list[ColumnRows]:
    found = []
    for column in project.features.inputs:
        values = [p.features.get(column.name) for p in logged]
        found.append(ColumnRows(column.name, "input", column.kind, _objects(values)))
    return found


def _objects(values: Sequence[Any]) -> NDArray[Any]:
    array = np.empty(len(values), dtype=object)
    array[:] = values
    return array
