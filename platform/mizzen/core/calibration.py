"""Whether a predicted probability is the share of rows where it happens."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
BINS = 10


@dataclass(frozen=True, slots=True)
class Bin:
    """Rows of neighbouring scores: their mean score, and the share of positives."""

    rows: int
    predicted: float
    observed: float


@dataclass(frozen=True, slots=True)
class Calibration:
    """`error` (ECE): mean distance of predicted from observed, weighted by rows."""

    error: float
    bins: tuple[Bin, ...]


def calibrate(labels: Floats, scores: Floats) -> Calibration:
    """Reliability of a binary model in bins of equally many rows."""
    order = np.argsort(scores, kind="stable")
    parts = [part for part in np.array_split(order, BINS) if len(part)]
    bins = tuple(
        Bin(len(part), float(scores[part].mean()), float(labels[part].mean())) for part in parts
    )
    distance = sum(b.rows * abs(b.predicted - b.observed) for b in bins)
    return Calibration(distance / max(1, len(labels)), bins)
