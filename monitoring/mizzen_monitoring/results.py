"""What the drift job found, as values and as JSON."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

from mizzen.core.drift import DriftVerdict
from mizzen.ports.prediction_log import LogCounts

_SHOWN = 10  # ids of wrong labels among the figures; result.json has all


@dataclass(frozen=True, slots=True)
class WindowResult:
    """One window, half open, in event time. `labels`: the share of its predictions that are
    labelled, in words. `wrong`: ids of stored labels that are none of the task's, each with its
    value; they were left out."""

    start: datetime
    end: datetime
    drift: DriftVerdict
    labels: str
    wrong: tuple[str, ...] = ()

    @property
    def cause(self) -> Literal["drift"] | None:
        """What alarms. None: quiet, or not judged."""
        return "drift" if self.drift.alarm else None

    @property
    def drift_figures(self) -> Mapping[str, Any]:
        """Key figures of the drift verdict."""
        judged = [c for c in self.drift.columns if c.role != "output"]
        worst = max((c.score / c.threshold for c in judged), default=0.0)
        return {
            "rows": self.drift.rows,
            "beyond": f"{len(self.drift.beyond)} of {len(judged)}",
            "furthest": round(worst, 2),
            "reason": self.drift.reason,
            "judged": self.drift.judged,
            **({"wrong_labels": ", ".join(self.wrong[:_SHOWN])} if self.wrong else {}),
        }

    @property
    def reason(self) -> str:
        """Why it alarms, or why not."""
        return self.drift.reason


@dataclass(frozen=True, slots=True)
class DriftResult:
    """`windows`: oldest first, never empty. `report` and `metrics` tell the newest one;
    `report` is None where there is no row to show, or where the page could not be drawn:
    `report_error` says why. `push_error`: why the push gateway did not take the figures, None
    when it did or there is none."""

    project: str
    version: int
    windows: tuple[WindowResult, ...]
    counts: LogCounts
    report: Path | None
    result: Path
    metrics: Path
    push_error: str | None = None
    report_error: str | None = None

    @property
    def newest(self) -> WindowResult:
        """The window that says how things are now."""
        return self.windows[-1]

    @property
    def alarm(self) -> bool:
        """Whether the newest window alarms."""
        return self.newest.cause is not None


def to_json(
    project: str, version: int, windows: tuple[WindowResult, ...], counts: LogCounts
) -> str:
    """`result.json`: equal findings give equal text."""
    document = {
        "schema": 1,
        "project": project,
        "version": version,
        "windows": [{"cause": w.cause, "reason": w.reason, **asdict(w)} for w in windows],
        "log": asdict(counts),
    }
    return json.dumps(_plain(document), indent=1, sort_keys=True, allow_nan=False)


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    if isinstance(value, datetime):
        return value.isoformat()
    return None if isinstance(value, float) and not math.isfinite(value) else value
