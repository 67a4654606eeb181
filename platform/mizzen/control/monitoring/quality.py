"""How good the answers turned out to be, window by window, as far as labels are known.

`watch` asks at each look. Windows of quality are of event time and of their own; see
`mizzen.core.quality`. What is stored of a window is the verdict for the newest `now` that was
asked for: a look at an earlier one changes nothing.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import datetime

from mizzen.control.backends import packages_folder, prediction_log, registry_of
from mizzen.control.workspace import Workspace
from mizzen.core.manifest import PROJECT
from mizzen.core.quality import QualityPolicy
from mizzen.spec.project import ProjectSpec
from mizzen.state.records import WindowRecord, to_jsonable

logger = logging.getLogger("mizzen.control")
KIND = "quality"
MOST = 2000  # windows of a version, those that ended last


def look(workspace: Workspace, version: int, now: datetime) -> tuple[WindowRecord, ...]:
    """Judge each window of a version that ended by `now` and whose labels, or predictions,
    changed since it was judged; store what is found and expose the figures of all.

    Returns:
        The windows of which something else is known now, as they are stored, oldest first.
    """
    from mizzen_monitoring.quality_job import quality_windows

    name, state = workspace.spec.name, workspace.state
    package = registry_of(workspace).fetch(name, version, packages_folder(workspace.place))
    spec = ProjectSpec.model_validate_json((package / PROJECT).read_text(encoding="utf-8"))
    length = spec.monitoring.quality.window or spec.monitoring.window
    known = {w.id: w for w in _stored(workspace, version)}
    judged = [w.figures["evidence"] for w in known.values() if w.judged]
    found = []
    for window in quality_windows(package, prediction_log(workspace.place), version, now, judged):
        record = WindowRecord(
            id=f"{KIND}:{name}:{version}:{window.end:%Y%m%dT%H%M%S}:{length}",
            project=name,
            start=window.start,
            end=window.end,
            version=version,
            kind=KIND,
            alarm=window.quality.alarm,
            figures=window.figures,
            report=None,
            at=now,
        )
        if record.id not in known or _tells_more(record, known[record.id]):
            found.append(record)
    if found:
        state.projects.ensure(name, str(workspace.folder), now)
    for record in found:
        state.monitoring.add_window(record)
    ids, stored = {record.id for record in found}, _stored(workspace, version)
    _expose(workspace, version, stored, QualityPolicy.of(spec.monitoring, spec.label), now)
    return tuple(window for window in stored if window.id in ids)


def newest(workspace: Workspace, version: int, now: datetime) -> tuple[WindowRecord, ...]:
    """What is stored of the newest window that ended by `now`; none where there is none."""
    return tuple(w for w in _stored(workspace, version) if w.end <= now)[-1:]


def _tells_more(record: WindowRecord, known: WindowRecord) -> bool:
    """Not where nothing changed, nor where retention took predictions: what was judged was
    judged on more."""
    fewer = record.figures["predictions"] < known.figures["predictions"]
    return not fewer and to_jsonable(record.figures) != to_jsonable(known.figures)


def _stored(workspace: Workspace, version: int) -> list[WindowRecord]:
    monitoring, name = workspace.state.monitoring, workspace.spec.name
    return monitoring.newest_windows(name, MOST, kind=KIND, version=version)[::-1]


def _expose(
    workspace: Workspace,
    version: int,
    windows: Sequence[WindowRecord],
    policy: QualityPolicy,
    now: datetime,
) -> None:
    """To a text file and, where there is one, a push gateway."""
    if not windows:
        return
    from mizzen_monitoring.exposition import QualityFigures

    name, place = workspace.spec.name, workspace.place
    figures = QualityFigures(name, version)
    judged = [window for window in windows if window.judged]
    if judged:
        figures.set_judged(judged[-1].end, judged[-1].alarm, judged[-1].figures)
    due = [window for window in windows if window.judged or window.end + policy.delay <= now]
    wrong = sum(window.figures["wrong"] for window in windows)
    figures.set_all(windows[-1].figures["share"], due[-1].judged if due else None, wrong)
    figures.write(place.home / "metrics" / f"{name}.quality.prom")
    gateway = place.profile.metrics.pushgateway
    fault = figures.push(gateway) if gateway else None
    if fault is not None:
        logger.warning("the push gateway took no figures: %s", fault)
