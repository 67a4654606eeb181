"""Whether windows of rows like these will ever be judged; `mizzen check --data` asks."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mizzen.spec.duration import to_timedelta
from mizzen.spec.operation import Monitoring


def never_judged(seconds: NDArray[np.float64], monitoring: Monitoring) -> str | None:
    """Why drift will never, or hardly ever, be judged if predictions come as these rows did; None
    where it will.

    Args:
        seconds: their event times, in any order.
    """
    if len(seconds) == 0:
        return None
    length = to_timedelta(monitoring.window).total_seconds()
    # windows begin with a row, as full as windows get
    times = np.sort(seconds)
    held = np.searchsorted(times, times + length, side="left") - np.arange(len(times))
    needed = monitoring.min_rows
    if held.max() < needed:
        return (
            f"no {monitoring.window} of the data hold more than {held.max()} rows, and "
            f"monitoring.min_rows is {needed}: drift will never be judged"
        )
    place = ((times - times[0]) // length).astype(np.int64)
    counts = np.bincount(place)
    full = int((counts[counts > 0] >= needed).sum())
    if 2 * full < int((counts > 0).sum()):
        return (
            f"only {full} of {(counts > 0).sum()} windows of {monitoring.window} with rows hold "
            f"monitoring.min_rows ({needed}): drift will seldom be judged"
        )
    return None
