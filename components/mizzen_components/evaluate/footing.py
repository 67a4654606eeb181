"""On which rows two models are compared: those that neither was trained on, where there are enough.

The champion's package says what it was trained on: its split, and the period of its training rows.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from mizzen.adapters.files.model_folder import read_baseline
from mizzen.core.gate import Footing
from mizzen.core.manifest import BASELINE, PROJECT
from mizzen.core.metrics import Metric
from mizzen.core.outputs import Floats
from mizzen.errors import MizzenError
from mizzen.spec.project import ProjectSpec
from mizzen.spec.training import SplitByKey
from mizzen_components.preprocess.divide import held_out_by_key

if TYPE_CHECKING:
    import pandas as pd

Rows = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Compared:
    """`rows`: which held-out rows are compared; `seen`: which of all the champion was trained
    on, None where it cannot be known."""

    rows: Rows
    seen: Rows | None

    def footing(self, metric: Metric, labels: Floats, champion: Floats) -> Footing:
        """What the verdict says about the compared rows; labels and answers of all rows."""
        count = int(self.rows.sum())
        if self.seen is None:
            return Footing(count, known=False)
        if not self.rows.all():
            return Footing(count, left_out=int((~self.rows).sum()))
        there = metric.value(labels[self.seen], champion[self.seen])
        rest = metric.value(labels[~self.seen], champion[~self.seen])
        return Footing(count, int(self.seen.sum()), 0, there, rest)


def compared_rows(package: Path, frame: pd.DataFrame, enough: int) -> Compared:
    """The rows that the version in `package` was not trained on, when there are `enough`; all of
    them otherwise."""
    every = np.ones(len(frame), dtype=bool)
    seen = _trained_on(package, frame)
    if seen is None or not seen.any() or int((~seen).sum()) < enough:
        return Compared(every, seen)
    return Compared(~seen, seen)


def _trained_on(package: Path, frame: pd.DataFrame) -> Rows | None:
    text = (package / PROJECT).read_text(encoding="utf-8")
    spec = ProjectSpec.model_validate_json(text)
    within = _within_period(package, frame, spec)
    if within is None or not isinstance(spec.split, SplitByKey):
        return within
    columns = spec.split.group or spec.data.key
    if any(column not in frame.columns for column in columns):
        return None
    return within & ~held_out_by_key(frame, columns, spec.split.test)


def _within_period(package: Path, frame: pd.DataFrame, spec: ProjectSpec) -> Rows | None:
    """The rows in the time of the version's training rows; all, where rows have no time."""
    if spec.data.event_time is None:
        return np.ones(len(frame), dtype=bool)
    try:
        period = read_baseline(package / BASELINE).period
    except MizzenError:
        return None
    if period is None or spec.data.event_time not in frame.columns:
        return None
    instants = frame[spec.data.event_time].to_numpy(dtype="datetime64[us]")
    seconds = instants.astype(np.int64) / 1e6
    return np.asarray((seconds >= period[0]) & (seconds <= period[1]))
