"""The drift job on one window of the champion's predictions, as control needs its answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from mizzen.control.logs import log_of
from mizzen.control.reconcile import registry_of
from mizzen.control.stack.serving import packages_folder
from mizzen.control.workspace import Workspace
from mizzen.ports.prediction_log import LogWindow

if TYPE_CHECKING:
    from mizzen_monitoring.results import DriftResult, WindowResult


@dataclass(frozen=True, slots=True)
class Found:
    """One verdict on one window. `figures`: scalars worth showing; `report`: of the newest."""

    kind: Literal["drift", "quality"]
    start: datetime
    end: datetime
    alarm: bool
    figures: Mapping[str, Any]
    report: Path | None


def run_drift_job(
    workspace: Workspace, version: int, start: datetime | None, end: datetime
) -> list[Found]:
    """Compare what a version answered with the profile stored with it, oldest window first.

    Args:
        start: up to where the log was looked at; None reads the whole log.
    """
    from mizzen_monitoring import drift_job

    place, name = workspace.place, workspace.spec.name
    package = registry_of(workspace).fetch(name, version, packages_folder(place))
    result = drift_job.run(
        package=package,
        log=log_of(place),
        window=LogWindow(start, end, version),
        into=place.home / "reports" / name / f"{version}-{end:%Y%m%dT%H%M%S}",
        place=place,
    )
    return [found for window in result.windows for found in _verdicts(window, result)]


def _verdicts(window: WindowResult, result: DriftResult) -> list[Found]:
    report = result.report if window is result.newest else None
    drift = Found(
        "drift", window.start, window.end, window.drift.alarm, window.drift_figures, report
    )
    alarm, figures = window.quality.alarm, window.quality_figures
    return [drift, Found("quality", window.start, window.end, alarm, figures, None)]
