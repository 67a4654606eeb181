"""Whether windows of rows like these will ever be judged; `mizzen check --data` asks."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mizzen.spec.duration import to_timedelta
from mizzen.spec.operation import Monitoring

Seconds = NDArray[np.float64]


def never_judged(seconds: Seconds, monitoring: Monitoring) -> list[str]:
    """Why drift or quality will never, or hardly ever, be judged if predictions come as these
    rows did, one sentence each; one for both where one reason holds for both.

    Args:
        seconds: their event times, in any order.
    """
    if len(seconds) == 0:
        return []
    drift, needed = monitoring.window, monitoring.min_rows
    quality = monitoring.quality.window or drift
    most, fullest = _most(seconds, _length(drift)), int(_counts(seconds, _length(quality)).max())
    least = f"and monitoring.min_rows is {needed}"
    if most < needed and _length(drift) == _length(quality):
        none = f"no {drift} of the data hold more than {most} rows, {least}"
        return [f"{none}: neither drift nor quality will ever be judged"]
    found = []
    if most < needed:
        none = f"no {drift} of the data hold more than {most} rows, {least}"
        found.append(f"{none}: drift will never be judged")
    else:
        found += _seldom(seconds, monitoring)
    if fullest < needed:
        held = f"the fullest window of quality, of {quality}, holds {fullest} rows of the data"
        found.append(f"{held}, {least}: quality will never be judged")
    return found


def _seldom(seconds: Seconds, monitoring: Monitoring) -> list[str]:
    counts = _counts(seconds - seconds.min(), _length(monitoring.window))
    full = int((counts >= monitoring.min_rows).sum())
    if 2 * full >= len(counts):
        return []
    return [
        f"only {full} of {len(counts)} windows of {monitoring.window} with rows hold "
        f"monitoring.min_rows ({monitoring.min_rows}): drift will seldom be judged"
    ]


def _most(seconds: Seconds, length: float) -> int:
    """Rows of the fullest stretch; windows of drift may begin with any row."""
    times = np.sort(seconds)
    held = np.searchsorted(times, times + length, side="left") - np.arange(len(times))
    return int(held.max())


def _counts(seconds: Seconds, length: float) -> NDArray[np.int64]:
    """Rows of each window of the grid that has some."""
    counts: NDArray[np.int64] = np.unique(seconds // length, return_counts=True)[1]
    return counts


def _length(duration: str) -> float:
    return to_timedelta(duration).total_seconds()
