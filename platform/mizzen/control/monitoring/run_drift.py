"""The drift job on one window of the champion's predictions, as control needs its answer."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from mizzen.control.backends import packages_folder, prediction_log, registry_of
from mizzen.control.workspace import Workspace
from mizzen.core.place import Place
from mizzen.errors import TemporaryError
from mizzen.ports.models import Registry
from mizzen.ports.prediction_log import LogWindow

if TYPE_CHECKING:
    from mizzen_monitoring.results import DriftResult, WindowResult


logger = logging.getLogger("mizzen.control")


@dataclass(frozen=True, slots=True)
class WindowVerdict:
    """One verdict on one window. `figures`: scalars worth showing; `report`: of the newest."""

    kind: Literal["drift"]
    start: datetime
    end: datetime
    alarm: bool
    figures: Mapping[str, Any]
    report: str | None


@dataclass(frozen=True, slots=True)
class LoggedTimes:
    """The event times of a version's predictions, rising, in seconds since the epoch."""

    seconds: NDArray[np.float64]

    @property
    def first(self) -> datetime | None:
        """The earliest; None where nothing was logged."""
        return datetime.fromtimestamp(float(self.seconds[0]), UTC) if len(self.seconds) else None

    def last_before(self, end: datetime) -> datetime | None:
        """The latest before an instant; None where nothing was logged before it."""
        at = int(np.searchsorted(self.seconds, end.timestamp()))
        return datetime.fromtimestamp(float(self.seconds[at - 1]), UTC) if at else None

    def count(self, start: datetime, end: datetime) -> int:
        """How many lie in a half open window."""
        low, high = np.searchsorted(self.seconds, [start.timestamp(), end.timestamp()])
        return int(high - low)


def logged_times(workspace: Workspace, version: int, end: datetime) -> LoggedTimes:
    """When a version answered, up to `end`, by all that the log holds now."""
    from mizzen_monitoring.rows import event_times

    return LoggedTimes(event_times(prediction_log(workspace.place), version, end))


def run_drift_job(
    workspace: Workspace,
    version: int,
    start: datetime | None,
    end: datetime,
    again: Sequence[tuple[datetime, datetime]] = (),
    begun: datetime | None = None,
) -> list[WindowVerdict]:
    """Compare what a version answered with the profile stored with it, oldest window first.

    Args:
        start: up to where the log was looked at; None reads the whole log.
        again: windows to judge once more, on what the log holds of them now.
        begun: when the version's predictions begin.
    """
    from mizzen_monitoring import drift_job

    place, name = workspace.place, workspace.spec.name
    registry = registry_of(workspace)
    package = registry.fetch(name, version, packages_folder(place))
    result = drift_job.run(
        package=package,
        log=prediction_log(place),
        window=LogWindow(start, end, version),
        into=place.home / "reports" / name / f"{version}-{end:%Y%m%dT%H%M%S}",
        place=place,
        again=again,
        begun=begun,
    )
    if result.push_error is not None:
        logger.warning("the push gateway took no figures: %s", result.push_error)
    report = _kept(registry, place, result)
    return [_verdict(window, result, report) for window in result.windows]


def _kept(registry: Registry, place: Place, result: DriftResult) -> str | None:
    """Where people find the report: beside the version in a shared MLflow, else on this
    machine."""
    if result.report is None:
        return None
    if place.profile.tracking.uri is None:
        return str(result.report)
    folder = result.report.parent
    try:
        under = f"reports/{folder.name}"
        return (
            f"{registry.keep(result.project, result.version, folder, under)}/{result.report.name}"
        )
    except TemporaryError as error:  # the verdict counts, whatever becomes of its page
        logger.warning("the report stays in %s: %s", folder, error.message)
        return str(result.report)


def _verdict(window: WindowResult, result: DriftResult, newest: str | None) -> WindowVerdict:
    report = newest if window is result.newest else None
    figures = dict(window.drift_figures)
    if window is result.newest and result.report_error is not None:
        figures["no_report"] = result.report_error
    return WindowVerdict("drift", window.start, window.end, window.drift.alarm, figures, report)
