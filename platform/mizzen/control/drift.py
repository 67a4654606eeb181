"""The drift job on one window of the champion's predictions, as control needs its answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

from mizzen.adapters.table import load
from mizzen.control.reconcile import registry_of
from mizzen.control.stack.serving import packages_folder
from mizzen.control.workspace import Workspace
from mizzen.ports.prediction_log import LogWindow


@dataclass(frozen=True, slots=True)
class Found:
    """One verdict on the window. `figures`: scalars worth showing."""

    kind: Literal["drift", "quality"]
    alarm: bool
    figures: Mapping[str, Any]
    report: Path | None


def run_drift_job(
    workspace: Workspace, version: int, start: datetime, end: datetime
) -> list[Found]:
    """Compare the window with the profile stored with the version that answered it."""
    from mizzen_monitoring import drift_job

    registry, name = registry_of(workspace), workspace.spec.name
    result = drift_job.run(
        package=registry.fetch(name, version, packages_folder(workspace.place)),
        log=load("prediction_log", "segments")(workspace.place),
        window=LogWindow(start, end, version),
        into=workspace.place.home / "reports" / f"{end:%Y%m%dT%H%M%S}-v{version}",
        place=workspace.place,
    )
    newest = result.newest
    return [
        Found("drift", newest.drift.alarm, newest.drift_figures, result.report),
        Found("quality", newest.quality.alarm, newest.quality_figures, result.report),
    ]
