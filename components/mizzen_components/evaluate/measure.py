"""Numbers of an evaluation: metrics with intervals, slices, calibration, as a JSON document.

The document (`metrics.json`): `task`, `primary`, `rows`, `unseen_labels`, `resamples`,
`confidence`, `champion` (version or null), `metrics` (name -> value, low, high, higher, and
champion, gain, gain_low, gain_high where there is one), `slices` (a list of the same for the
primary metric with column, slice, rows) and `calibration`. What is not defined is null, and `why`
says the reason. `left_out`: held-out rows that are not in any of it, because the champion was
trained on them; `favoured`: rows in it that it was trained on.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from mizzen.core.bootstrap import Comparison, Interval, compare, interval
from mizzen.core.calibration import calibrate
from mizzen.core.gate import SliceComparison
from mizzen.core.metrics import Floats, Metric
from mizzen.spec.training import Evaluation
from mizzen_components.evaluate.slices import Slice

Measurement = Interval | Comparison


@dataclass(frozen=True, slots=True)
class Evaluator:
    """Measures answers on one set of rows. Every measurement draws the same resamples, so the
    figures of one evaluation belong together."""

    labels: Floats
    candidate: Floats
    champion: Floats | None
    settings: Evaluation
    seed: int
    classes: tuple[str, ...] = ()

    def measure(self, metric: Metric, part: Slice | None = None) -> Measurement:
        """The candidate's interval, or the comparison where there is a champion."""
        rows = slice(None) if part is None else part.members
        labels, candidate = self.labels[rows], self.candidate[rows]
        rng = np.random.default_rng(self.seed)
        how: dict[str, Any] = {
            "resamples": self.settings.resamples,
            "confidence": self.settings.confidence,
            "rng": rng,
        }
        if self.champion is None:
            return interval(metric, labels, candidate, **how)
        return compare(metric, labels, candidate, self.champion[rows], **how)

    def why(self, metric: Metric, measured: Measurement, part: Slice | None = None) -> str | None:
        """Why a measurement, or its interval, has no value; None where all of it has."""
        if all(value is not None for value in as_record(measured).values()):
            return None
        labels = self.labels if part is None else self.labels[part.members]
        return metric.why_undefined(labels, self.classes)

    def record(
        self, metric: Metric, measured: Measurement, part: Slice | None = None
    ) -> dict[str, Any]:
        """Flat JSON values of a measurement, and `why` some are null."""
        why = self.why(metric, measured, part)
        return as_record(measured) | ({} if why is None else {"why": why})


def as_record(measured: Measurement) -> dict[str, float | None]:
    """Flat JSON values of a measurement."""
    if isinstance(measured, Interval):
        return _clean({"value": measured.value, "low": measured.low, "high": measured.high})
    own = measured.candidate
    return _clean(
        {
            "value": own.value,
            "low": own.low,
            "high": own.high,
            "champion": measured.champion.value,
            "gain": measured.gain.value,
            "gain_low": measured.gain.low,
            "gain_high": measured.gain.high,
        }
    )


def slice_records(
    ruler: Evaluator, metric: Metric, parts: list[tuple[Slice, Measurement]]
) -> list[dict[str, Any]]:
    """One record for each slice."""
    return [
        {"column": part.column, "slice": part.value, "rows": len(part.members)}
        | ruler.record(metric, measured, part)
        for part, measured in parts
    ]


def slice_comparisons(parts: list[tuple[Slice, Measurement]]) -> list[SliceComparison]:
    """What the judge asks for; empty without a champion."""
    return [
        SliceComparison(part.column, part.value, len(part.members), measured)
        for part, measured in parts
        if isinstance(measured, Comparison)
    ]


def calibration_record(task: str, labels: Floats, scores: Floats) -> dict[str, Any] | None:
    """Reliability of a binary model; None for other tasks."""
    return asdict(calibrate(labels, scores)) if task == "binary" else None


def value_of(measured: Measurement) -> float:
    """The candidate's value."""
    return measured.value if isinstance(measured, Interval) else measured.candidate.value


def _clean(record: dict[str, float]) -> dict[str, float | None]:
    return {name: value if math.isfinite(value) else None for name, value in record.items()}
