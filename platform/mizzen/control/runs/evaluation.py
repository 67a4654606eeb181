"""What a run's evaluation found, from the last event of its step: the one reader of its figures."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from mizzen.adapters.files.evaluation import measured_metrics
from mizzen.core.runs import Scalar, StepEvent, StepState
from mizzen.errors import IntegrityError
from mizzen.state.records import Evaluation, StepRecord

EVALUATE = "evaluate"
_FINISHED = frozenset({StepState.SUCCEEDED, StepState.CACHED})
_NUMBER = (float, int, type(None))
_OUTPUTS = {
    "metric": (str,),
    "value": _NUMBER,
    "champion_value": _NUMBER,
    "blessed": (bool,),
    "reason": (str,),
}


def evaluation_of(step: StepEvent | StepRecord | None) -> Evaluation | None:
    """What the finished step found; None before it has finished.

    Raises:
        IntegrityError: an output of it is missing or of another type: no verdict is guessed.
    """
    if step is None or step.state not in _FINISHED:
        return None
    _refuse_untyped(step.figures)
    figures = step.figures
    metric, value = str(figures["metric"]), _number(figures["value"])
    return Evaluation(
        metric=metric,
        value=value,
        champion_value=_number(figures["champion_value"]),
        blessed=figures["blessed"] is True,
        reason=str(figures["reason"]),
        metrics={metric: value} | measured_metrics(step.artifacts),
    )


def _refuse_untyped(figures: Mapping[str, Scalar]) -> None:
    wrong = [name for name, kinds in _OUTPUTS.items() if not _is_one(figures, name, kinds)]
    if wrong:
        raise IntegrityError(
            f"the verdict of step {EVALUATE} cannot be read: {', '.join(wrong)}",
            given=", ".join(f"{name}={value!r}" for name, value in figures.items()) or "no outputs",
            allowed=", ".join(_OUTPUTS),
            next_step="see that the step's outputs are those of this Mizzen, and run it again",
        )


def _is_one(figures: Mapping[str, Scalar], name: str, kinds: tuple[type, ...]) -> bool:
    return name in figures and type(figures[name]) in kinds


def _number(value: Any) -> float | None:
    """A pipeline that knows no null says that there is no number by NaN."""
    return None if value is None or not math.isfinite(value) else float(value)
