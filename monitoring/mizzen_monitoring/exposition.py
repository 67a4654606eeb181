"""The jobs' figures on their way to Prometheus: a text file, and a push gateway.

A job is gone when Prometheus comes to look, so it leaves its figures where something stays: in
a file that node-exporter reads, or with a push gateway.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.error import URLError

from prometheus_client import CollectorRegistry, Gauge, push_to_gateway, write_to_textfile

from mizzen.core.drift import ColumnDrift
from mizzen.ports.prediction_log import LogCounts
from mizzen_monitoring.metrics import DRIFT_JOB, QUALITY, Metric
from mizzen_monitoring.results import WindowResult

_SECONDS = 10.0


class _Figures:
    """The metrics of one job. A value that is not a number is left out: no series says more
    than a NaN does."""

    def __init__(self, job: str, metrics: Sequence[Metric], project: str, version: int) -> None:
        self.registry = CollectorRegistry()
        self._job, self._project, self._version = job, project, str(version)
        self._gauges = {
            metric.name: Gauge(metric.name, metric.meaning, metric.labels, registry=self.registry)
            for metric in metrics
        }

    def write(self, file: Path) -> None:
        """Replace the text file; a reader sees the old one or the new one."""
        file.parent.mkdir(parents=True, exist_ok=True)
        write_to_textfile(str(file), self.registry)

    def push(self, gateway: str) -> str | None:
        """Replace what the gateway holds of this job and project; why it could not be, if so.
        The alarm stands in the state and in the file: a gateway that is away fails no job."""
        try:
            push_to_gateway(
                gateway,
                job=self._job,
                registry=self.registry,
                grouping_key={"mizzen_project": self._project},
                timeout=_SECONDS,
            )
        except (URLError, OSError, ValueError) as error:
            return f"{gateway}: {error}"
        return None

    def _set(self, name: str, value: float | None, *labels: str) -> None:
        if value is not None and math.isfinite(value):
            self._gauges[name].labels(self._project, self._version, *labels).set(value)


class Figures(_Figures):
    """The metrics of `metrics.DRIFT_JOB` for one job's findings."""

    def __init__(self, project: str, version: int) -> None:
        super().__init__("mizzen_drift", DRIFT_JOB, project, version)

    def set_window(self, window: WindowResult) -> None:
        """The newest window's verdict."""
        drift = window.drift
        self._set("mizzen_drift_alarm", drift.alarm)
        self._set("mizzen_drift_judged", drift.judged)
        self._set("mizzen_drift_rows", drift.rows)
        self._set("mizzen_drift_window_end_timestamp_seconds", window.end.timestamp())
        for column in drift.columns:
            self._set("mizzen_drift_score", column.score, *_measure(column))
            self._set("mizzen_drift_threshold", column.threshold, *_measure(column))

    def set_job(self, counts: LogCounts, finished: datetime, seconds: float) -> None:
        """The job itself and the log that it read."""
        records = self._gauges["mizzen_prediction_log_records"]
        for kind in ("predictions", "labels", "torn", "dropped"):
            records.labels(self._project, kind).set(getattr(counts, kind))
        ended = self._gauges["mizzen_drift_job_finished_timestamp_seconds"]
        ended.labels(self._project).set(finished.timestamp())
        self._gauges["mizzen_drift_job_seconds"].labels(self._project).set(seconds)


class QualityFigures(_Figures):
    """The metrics of `metrics.QUALITY` for the windows that are stored of a version.

    Figures are those of `quality_job.QualityWindow`, as the state keeps them.
    """

    def __init__(self, project: str, version: int) -> None:
        super().__init__("mizzen_quality", QUALITY, project, version)

    def set_judged(self, end: datetime, alarm: bool, figures: Mapping[str, Any]) -> None:
        """The newest window that was judged."""
        self._set("mizzen_quality_alarm", alarm)
        self._set("mizzen_quality_window_end_timestamp_seconds", end.timestamp())
        for name in ("predictions", "labelled", "share"):
            self._set(f"mizzen_quality_{name}", figures[name])
        metric = figures["metric"]
        self._set("mizzen_quality_value", figures[metric], metric)
        for name in ("low", "high", "evaluated"):
            self._set(f"mizzen_quality_{name}", figures[name], metric)

    def set_all(self, newest_share: float, due_judged: bool | None, wrong: int) -> None:
        """Over all windows. `due_judged`: whether the newest window whose labels are due was
        judged; None while none is due."""
        self._set("mizzen_quality_newest_share", newest_share)
        self._set("mizzen_quality_judged", due_judged)
        self._set("mizzen_quality_wrong_labels", wrong)


def _measure(column: ColumnDrift) -> tuple[str, str, str]:
    return column.column, column.role, column.measure
