"""What a run's evaluation found, from the last event of its step: the one reader of its figures."""

from __future__ import annotations

import math
from typing import Any

from mizzen.adapters.files.evaluation import measured_metrics
from mizzen.core.runs import StepEvent
from mizzen.state.records import Evaluation, StepRecord

EVALUATE = "evaluate"


def evaluation_of(step: StepEvent | StepRecord | None) -> Evaluation | None:
    """What the finished step found; None before it has finished."""
    if step is None or "metric" not in step.figures:
        return None
    figures = step.figures
    metric, value = str(figures["metric"]), _number(figures.get("value"))
    return Evaluation(
        metric=metric,
        value=value,
        champion_value=_number(figures.get("champion_value")),
        blessed=bool(figures.get("blessed")),
        reason=str(figures.get("reason") or ""),
        metrics={metric: value} | measured_metrics(step.artifacts),
    )


def _number(value: Any) -> float | None:
    """A pipeline that knows no null says that there is no number by NaN."""
    return None if value is None or not math.isfinite(value) else float(value)
