"""Replays a window of the past through a running service, as if it happened now.

The demo and `mizzen` call `replay`. It can be killed and started again: ids follow from the
rows' keys, so what is in the log already is neither sent nor counted twice.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mizzen.core.canonical import canonical_text
from mizzen.core.true_labels import LabelRule, TrueLabel
from mizzen.core.views import VersionedView
from mizzen.ports.data import FeatureSource
from mizzen.ports.prediction_log import PredictionLog
from mizzen.spec.project import ProjectSpec
from mizzen_serving.client import Client
from mizzen_serving.contract import PREDICTION_ID
from mizzen_serving.traffic import EVENT_TIMESTAMP, Piece, Window, pieces

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True)
class ReplayCounts:
    """`rows` of the window; `sent` now, the others having been logged before; `logged` of the
    rows; `labelled` of them, and `unlabelled`, whose label does not exist. `corrected`: labels
    that replaced another value in the log; `outdated`: labels that differ from one that became
    known later, which stays."""

    rows: int
    sent: int
    logged: int
    labelled: int
    unlabelled: int
    corrected: int
    outdated: int
    seconds: float


Progress = Callable[[Piece], None]


def replay(
    project: ProjectSpec,
    rows: pd.DataFrame,
    sources: Mapping[str, pd.DataFrame],
    window: Window,
    *,
    client: Client,
    log: PredictionLog,
    source: FeatureSource | None = None,
    views: Sequence[VersionedView] = (),
    observe: Progress = lambda _piece: None,
) -> ReplayCounts:
    """Send the window's rows in the order of time, with features and labels as they came.

    Args:
        rows: the table of rows; those outside the window are ignored.
        sources: view name -> computed source of each of `views`.
        log: of the service; tells what was done before a kill.
        source: the online store, needed when there are views. It is set back to the window's
            start: what became known later comes back as the window goes on.
        views: that the served version needs.
        observe: called after each piece.

    Raises:
        InvalidData: the service refused a row.
        TemporaryError: the service is away.
    """
    began = time.monotonic()
    done = {prediction.id for prediction in log.read()}
    known = log.labels()
    wanted: set[str] = set()
    labels = sent = corrected = outdated = 0
    by_name = {view.name: view for view in views}
    backlog: dict[str, list[pd.DataFrame]] = {}
    for piece in pieces(project, rows, sources, window):
        fresh = [row for row in piece.requests if row[PREDICTION_ID] not in done]
        wanted.update(row[PREDICTION_ID] for row in piece.requests)
        for name, values in piece.values.items():
            backlog.setdefault(name, []).append(values)
        if fresh:
            if source is not None and not sent:
                # what became known after the window must not stand in its place
                source.materialize(views, window.start, rewind=True)
            _push(source, by_name, backlog)
            sent += len(client.predict(fresh))
        late = [label for label in piece.labels if label.prediction_id not in known]
        other = [label for label in piece.labels if _differs(label, known, project.task)]
        newer = [label for label in other if label.at >= known[label.prediction_id].at]
        if late or newer:
            client.label([*late, *newer])
        labels += len(piece.labels)
        corrected, outdated = corrected + len(newer), outdated + len(other) - len(newer)
        observe(piece)
    _push(source, by_name, backlog)
    logged = {prediction.id for prediction in log.read()} & wanted
    labelled = len(set(log.labels()) & wanted)
    return ReplayCounts(
        len(wanted),
        sent,
        len(logged),
        labelled,
        len(wanted) - labels,
        corrected,
        outdated,
        round(time.monotonic() - began, 3),
    )


def _differs(label: TrueLabel, known: Mapping[str, TrueLabel], task: str) -> bool:
    """Whether the log holds another value; a class is the same in any type."""
    stored = known.get(label.prediction_id)
    if stored is None:
        return False
    rule = LabelRule(task, (canonical_text(label.value) or "",))
    return not rule.knows(stored.value) or rule.read(stored.value) != rule.read(label.value)


def _push(
    source: FeatureSource | None,
    views: Mapping[str, VersionedView],
    backlog: dict[str, list[pd.DataFrame]],
) -> None:
    """Make known what waited; of several values of one entity only the newest is servable."""
    for name, parts in backlog.items():
        if source is not None:
            source.push(views[name], _newest(parts, views[name].entity))
    backlog.clear()


def _newest(parts: Iterable[pd.DataFrame], entity: Sequence[str]) -> pd.DataFrame:
    import pandas as pd

    values = pd.concat(parts)
    if values[EVENT_TIMESTAMP].nunique() == 1:  # the usual hour: one value of each entity
        return values
    ordered = values.sort_values(EVENT_TIMESTAMP, kind="stable")
    return ordered.drop_duplicates(list(entity), keep="last")
