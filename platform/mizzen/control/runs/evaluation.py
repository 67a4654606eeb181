"""What a run's evaluation found, from the last event of its step: the one reader of its figures."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from mizzen.core.runs import StepEvent
from mizzen.state.records import Evaluation, StepRecord

EVALUATE = "evaluate"
_REPORT = "evaluation"  # the step's folder with every metric


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
        metrics={metric: value} | _all_metrics(step.artifacts),
    )


def _all_metrics(artifacts: Mapping[str, Path] | Mapping[str, str]) -> dict[str, float | None]:
    """Every metric of the report; none where the report is not on this machine."""
    folder = artifacts.get(_REPORT)
    if folder is None:
        return {}
    with suppress(OSError, ValueError, KeyError, TypeError):
        report = json.loads((Path(folder) / "metrics.json").read_text(encoding="utf-8"))
        return {name: _number(record["value"]) for name, record in report["metrics"].items()}
    return {}


def _number(value: Any) -> float | None:
    """A pipeline that knows no null says that there is no number by NaN."""
    return None if value is None or not math.isfinite(value) else float(value)
