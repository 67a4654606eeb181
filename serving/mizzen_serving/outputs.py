"""Model outputs -> checked answers. Nothing that is no probability, or not finite, leaves."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from mizzen.core.outputs import TOLERANCE
from mizzen.ports.framework import Floats
from mizzen.spec.project import Task

Class = str | int
_WHOLE = re.compile(r"0|-?[1-9][0-9]*")  # written as a whole number is, and no other way
Faults = NDArray[np.bool_]


class BinaryOutput(msgspec.Struct, gc=False):
    """`probability` of the second class; `label` is the more probable class."""

    probability: float
    label: Class


class MulticlassOutput(msgspec.Struct, rename={"label": "class"}):
    """`class`: the most probable one. `probabilities`: of every class, adding up to 1."""

    label: Class
    probabilities: dict[str, float]


class RegressionOutput(msgspec.Struct, gc=False):
    """The predicted value."""

    value: float


Output = BinaryOutput | MulticlassOutput | RegressionOutput


class Answer(msgspec.Struct):
    """One predicted row. `output`: by the model's task. `missing`: features that were null
    when the model saw them. `outside`: numbers far outside what training saw. `unknown`:
    categories that it never saw."""

    prediction_id: str
    output: Any  # an Output; msgspec decodes no union of untagged structs
    missing: list[str]
    outside: list[str]
    unknown: list[str]


class SingleAnswer(msgspec.Struct):
    """To a request of one row."""

    model: str
    version: int
    prediction_id: str
    output: Any
    missing: list[str]
    outside: list[str]
    unknown: list[str]


class BatchAnswer(msgspec.Struct):
    """To a request of several rows; `predictions` in the order of the rows."""

    model: str
    version: int
    predictions: list[Answer]


class Outputs:
    """Checks and shapes the outputs of one model."""

    def __init__(self, task: Task, classes: Sequence[str]) -> None:
        self._task = task
        self._names = list(classes)
        whole = all(_WHOLE.fullmatch(name) for name in classes)
        self._classes: list[Class] = [int(n) for n in classes] if whole else list(classes)

    def faults(self, outputs: Floats, rows: int) -> Faults:
        """For each row whether its output must not leave the service. Row by row, unlike
        `core.outputs.check_outputs`: requests that happen to be answered together share no fate."""
        shape = (rows, len(self._names)) if self._task == "multiclass" else (rows,)
        if outputs.shape != shape:
            return np.ones(rows, dtype=np.bool_)
        if self._task == "regression":
            finite: Faults = np.isfinite(outputs)
            return np.logical_not(finite)
        inside = np.logical_and(outputs >= 0.0, outputs <= 1.0)  # false for NaN
        if self._task == "binary":
            return np.logical_not(inside)
        sums_up = np.abs(outputs.sum(axis=1) - 1.0) <= TOLERANCE
        sound: Faults = np.logical_and(inside.all(axis=1), sums_up)
        return np.logical_not(sound)

    def shape(self, values: Sequence[Any]) -> list[Output]:
        """Plain values of sound rows -> what the answers hold."""
        if self._task == "regression":
            return [RegressionOutput(value) for value in values]
        if self._task == "binary":
            below, above = self._classes or (0, 1)
            return [BinaryOutput(p, above if p >= 0.5 else below) for p in values]
        return [self._multiclass(row) for row in values]

    def _multiclass(self, row: list[float]) -> MulticlassOutput:
        best = max(range(len(row)), key=row.__getitem__)
        named = dict(zip(self._names, row, strict=True))
        return MulticlassOutput(self._classes[best], named)
