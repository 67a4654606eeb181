"""The drift job: read the prediction log, judge its windows, leave figures and a report.

`mizzen.control` runs it for the served version and stores each window with its verdict; a
stored alarm is what asks for a retraining. It writes nothing but `into` and the metrics file.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from mizzen.adapters import backends
from mizzen.adapters.files.atomic import replace_text
from mizzen.adapters.files.model_folder import read_baseline, read_manifest
from mizzen.adapters.tables import read_table
from mizzen.core.baseline import Baseline, ColumnRows, baseline_columns
from mizzen.core.canonical import canonical_text
from mizzen.core.drift import judge
from mizzen.core.encoding import as_float
from mizzen.core.manifest import BASELINE, PROJECT
from mizzen.core.place import Place
from mizzen.core.quality import QualityPolicy, labels_of
from mizzen.errors import UserError
from mizzen.ports.prediction_log import LogWindow, PredictionLog
from mizzen.spec.duration import to_timedelta
from mizzen.spec.project import ProjectSpec
from mizzen_monitoring.exposition import Figures
from mizzen_monitoring.results import DriftResult, WindowResult, to_json
from mizzen_monitoring.rows import LoggedRows, output_column, read_rows

REPORT, RESULT = "report.html", "result.json"
_LONGEST = 300  # characters of an error that is kept
_SHOWN = 2000  # rows of the window in the report
Bounds = tuple[datetime, datetime]
logger = logging.getLogger("mizzen.monitoring")


def run(
    *,
    package: Path,
    log: PredictionLog,
    window: LogWindow,
    into: Path,
    place: Place,
    again: Sequence[Bounds] = (),
    begun: datetime | None = None,
    clock: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> DriftResult:
    """Judge a part of the log against the baseline of the model that answered.

    The part is cut into windows of `monitoring.window`, from its end backwards; each is judged
    for itself. Windows without rows are left out, but for the newest. An open end is the newest
    prediction.

    Args:
        package: the model package of `window.version`.
        into: folder for `result.json` and `report.html`, made when missing.
        again: older windows that got rows since they were judged; judged as they are now.
        begun: when the version's predictions begin, where that is known: of a window that begins
            earlier only the rest counts. The first row where `window` has no start.

    Raises:
        UserError: `window` names no version: a window of two models has no one baseline; or it
            begins after its end.
        IntegrityError: the package holds no model or no baseline.
    """
    started = time.monotonic()
    if window.version is None:
        raise UserError("a drift job looks at one model version", next_step="give its number")
    project = ProjectSpec.model_validate_json((package / PROJECT).read_text(encoding="utf-8"))
    classes = read_manifest(package)[1].classes
    baseline = _with_output(read_baseline(package / BASELINE), package, project, classes)
    now = window.end or clock()
    rows = read_rows(log, _spanning(window, again), project, classes, now)
    part = rows.between(window.start, window.end)
    bounds = _cut(part, window, to_timedelta(project.monitoring.window), clock())
    if window.start is None and len(rows.seconds):
        begun = datetime.fromtimestamp(float(rows.seconds[0]), UTC)
    windows = tuple(
        _judge(project, baseline, rows.between(start, end), start, end, begun, now)
        for start, end in [*(b for b in again if b not in bounds), *bounds]
    )
    counts = log.counts()
    result = into / RESULT
    replace_text(result, to_json(project.name, window.version, windows, counts))
    newest = windows[-1]
    report, fault = _report(place, baseline, rows.between(newest.start, newest.end), newest, into)
    figures = Figures(project.name, window.version)
    figures.set_window(newest)
    figures.set_job(counts, clock(), time.monotonic() - started)
    metrics = place.home / "metrics" / f"{project.name}.prom"
    figures.write(metrics)
    gateway = place.profile.metrics.pushgateway
    error = figures.push(gateway) if gateway else None
    return DriftResult(
        project.name, window.version, windows, counts, report, result, metrics, error, fault
    )


def _judge(
    project: ProjectSpec,
    baseline: Baseline,
    rows: LoggedRows,
    start: datetime,
    end: datetime,
    begun: datetime | None,
    now: datetime,
) -> WindowResult:
    count, labelled = len(rows.seconds), sum(label is not None for label in rows.labels)
    # labels that came early are of the faster outcome, and no sample of the window
    policy = QualityPolicy.of(project.monitoring, project.label)
    early = policy.waits_for(end, now, count, labelled) is not None
    columns = [column for column in rows.columns if not (early and column.role == "label")]
    sketches = {column.name: column.sketch() for column in columns}
    spread = float(np.ptp(rows.seconds)) if count else 0.0
    covered = end - (start if begun is None else min(max(start, begun), end))
    drift = judge(baseline, sketches, count, covered.total_seconds(), spread)
    wrong = tuple(each for each in rows.wrong.tolist() if each is not None)
    return WindowResult(start, end, drift, labels_of(labelled, count), wrong)


def _spanning(window: LogWindow, again: Sequence[Bounds]) -> LogWindow:
    """The part of the log that holds all of them."""
    if window.start is None or not again:
        return window
    start = min(window.start, *(start for start, _ in again))
    return LogWindow(start, window.end, window.version)


def _cut(rows: LoggedRows, window: LogWindow, length: timedelta, now: datetime) -> list[Bounds]:
    """Windows of `length` from the end backwards, oldest first. What is left over at the start
    is a window of its own when it is at least half as long, or all there is; it is as long as
    the others where nobody says where the part begins."""
    if len(rows.seconds) == 0:
        return [_without_rows(window, length, now)]
    # the end is open: the newest prediction must lie before it
    last = datetime.fromtimestamp(float(rows.seconds[-1]), UTC) + timedelta(microseconds=1)
    first = window.start or datetime.fromtimestamp(float(rows.seconds[0]), UTC)
    end = window.end or last
    found: list[Bounds] = []
    while end - first >= length / 2 or not found:
        start = end - length if window.start is None else max(first, end - length)
        # a gap of years is not a hundred verdicts on nothing
        if not found or len(rows.between(start, end).seconds):
            found.append((start, end))
        end = start
    return found[::-1]


def _without_rows(window: LogWindow, length: timedelta, now: datetime) -> Bounds:
    end = window.end or now
    if window.start is not None and window.start >= end:
        raise UserError(
            "the window holds nothing",
            given=f"{window.start:%F %T%z} to {end:%F %T%z}",
            allowed="a start before the end",
            next_step="give an earlier start",
        )
    start = end - length
    return (start if window.start is None else max(start, window.start)), end


def _with_output(
    baseline: Baseline, package: Path, project: ProjectSpec, classes: tuple[str, ...]
) -> Baseline:
    """The baseline with the model's answers at evaluation."""
    frame = read_table(package / "evaluation" / "predictions.parquet")
    names = [f"probability_{name}" for name in classes]
    binary = "probability" if project.task == "binary" else "prediction"
    scores = frame[names if project.task == "multiclass" else binary].to_numpy(dtype=np.float64)
    time_column = project.data.event_time
    seconds = None
    if time_column is not None:
        instants = frame[time_column].to_numpy(dtype="datetime64[us]")
        seconds = instants.astype(np.int64) / 1e6
    output = output_column(scores, project.task, classes)
    return baseline.with_columns(baseline_columns([output], seconds, baseline))


def _report(
    place: Place, baseline: Baseline, rows: LoggedRows, window: WindowResult, into: Path
) -> tuple[Path | None, str | None]:
    """The page; or none, and why where there are rows to show. The verdict counts, whatever
    becomes of its page: the library behind it knows nothing of values near the largest float."""
    if len(rows.seconds) == 0:
        return None, None
    try:
        return _page(place, baseline, rows, window, into), None
    except Exception as error:  # noqa: BLE001 (the library raises anything)
        (into / REPORT).unlink(missing_ok=True)  # an older look's page shows other rows
        logger.warning("the window has a verdict and no report page: %r", error)
        return None, f"{type(error).__name__}: {error}"[:_LONGEST]


def _page(
    place: Place, baseline: Baseline, rows: LoggedRows, window: WindowResult, into: Path
) -> Path:
    """Training rows beside the window's, both sampled."""
    import pandas as pd

    count = len(rows.seconds)
    chosen = np.linspace(0, count - 1, min(_SHOWN, count)).astype(np.int64)
    shown = [c for c in rows.columns if c.name in baseline.sample]
    quiet = "No alarm" if window.drift.judged else "Not judged"
    verdict = f"{'ALARM' if window.cause else quiet}: {window.reason}; {window.labels}"
    renderer = backends.load_backend("drift_report", "evidently")(place)
    page: Path = renderer.render(
        pd.DataFrame({c.name: list(baseline.sample[c.name]) for c in shown}),
        pd.DataFrame({c.name: _values(c, chosen) for c in shown}),
        into / REPORT,
        categories=[c.name for c in shown if c.kind == "category"],
        verdict=verdict,
        measures=window.drift.columns,
    )
    return page


def _values(column: ColumnRows, rows: Any) -> list[Any]:
    values = column.values[rows]
    if column.kind == "number":
        return list(as_float(values, column.name))
    return [canonical_text(value) for value in values.tolist()]
