"""The `baseline` step: what the training rows looked like, kept with the model.

Runs beside training. Serving's windows are compared with it later, so it is made of the very
rows that the model learnt from: its inputs and the label, in the order of the description.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from mizzen.adapters.tables import read_table
from mizzen.core.baseline import ColumnRows, make_baseline
from mizzen.core.canonical import canonical_text, is_null
from mizzen.core.encoding import as_float
from mizzen.spec.columns import ColumnKind
from mizzen.spec.data import Data, Label
from mizzen.spec.features import Features
from mizzen.spec.operation import Monitoring

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

SAMPLE = 1000  # rows kept for reports that show rows, evenly spaced over the training rows


class BaselineFigures(NamedTuple):
    """`columns`: inputs and label."""

    columns: int


def run(
    *,
    train: Path,
    features: dict[str, Any],
    label: dict[str, Any],
    data: dict[str, Any],
    monitoring: dict[str, Any],
    task: str,
    baseline: Path,
) -> BaselineFigures:
    """Sketch every input and the label of the training rows into `baseline` (JSON).

    Raises:
        InvalidData: a number column does not hold numbers.
    """
    inputs, target = Features.model_validate(features), Label.model_validate(label)
    rows = read_table(train)
    columns = _columns(rows, inputs, target, task)
    seconds = _seconds(rows, Data.model_validate(data).event_time)
    watched = Monitoring.model_validate(monitoring)
    sample = {column.name: _shown(column) for column in columns}
    made = make_baseline(columns, seconds, watched, task, sample)
    baseline.parent.mkdir(parents=True, exist_ok=True)
    baseline.write_text(made.to_json(), encoding="utf-8")
    return BaselineFigures(len(columns))


def _columns(rows: pd.DataFrame, features: Features, label: Label, task: str) -> list[ColumnRows]:
    columns = [
        ColumnRows(each.name, "input", each.kind, rows[each.name].to_numpy())
        for each in features.inputs
    ]
    kind: ColumnKind = "number" if task == "regression" else "category"
    return [*columns, ColumnRows(label.column, "label", kind, rows[label.column].to_numpy())]


def _seconds(rows: pd.DataFrame, event_time: str | None) -> NDArray[np.float64] | None:
    if event_time is None:
        return None
    return rows[event_time].to_numpy(dtype="datetime64[us]").astype(np.int64) / 1e6


def _shown(column: ColumnRows) -> list[Any]:
    """Some of a column's values as JSON: numbers, texts, null."""
    count = len(column.values)
    values = column.values[np.linspace(0, count - 1, min(SAMPLE, count)).astype(np.int64)]
    if column.kind == "number":
        numbers = as_float(values, column.name).tolist()
        return [None if is_null(number) else number for number in numbers]
    return [canonical_text(value) for value in values.tolist()]
