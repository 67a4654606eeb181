"""Which windows will never be judged, as far as the description and the rows tell."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mizzen.control.check.finding import Finding
from mizzen.core.judgeable import never_judged
from mizzen.spec.duration import to_timedelta
from mizzen.spec.project import ProjectSpec

if TYPE_CHECKING:
    import pandas as pd


def check_window(spec: ProjectSpec) -> list[Finding]:
    """The description alone: the log must hold a window until it ends."""
    window, kept = spec.monitoring.window, spec.serving.log.retention
    if to_timedelta(kept) >= to_timedelta(window):
        return []
    message = (
        f"{window} is longer than serving.log.retention ({kept}): a window is never whole, and "
        "drift is judged on what is left of it"
    )
    hint = "keep the log for longer than a window, or look at shorter windows"
    return [Finding("warning", "monitoring.window", message, hint)]


def check_windows(rows: pd.DataFrame, spec: ProjectSpec) -> list[Finding]:
    """The rows: predictions that come as they did must fill windows."""
    if spec.data.event_time is None:
        return []
    instants = rows[spec.data.event_time].dropna().to_numpy(dtype="datetime64[us]")
    seconds = instants.astype(np.int64) / 1e6
    hint = "lengthen the windows, or lower monitoring.min_rows"
    found = never_judged(seconds, spec.monitoring)
    return [Finding("warning", "monitoring.min_rows", reason, hint) for reason in found]
