"""A window of the past as traffic: in which order features, requests and labels come.

Pure; `replay` sends what this module orders. Nothing is sent before it was known: time is cut
at every hour and wherever a feature's value became known, and each piece first makes the
values known that came with its beginning, then asks for its rows, then tells the labels that
became known within it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, cast

from mizzen.errors import InvalidProject
from mizzen.ports.prediction_log import TrueLabel
from mizzen.spec.duration import to_timedelta
from mizzen.spec.project import ProjectSpec
from mizzen_serving.contract import PREDICTION_ID, contract_of
from mizzen_serving.ids import id_of_key

if TYPE_CHECKING:
    import pandas as pd

EVENT_TIMESTAMP = "event_timestamp"


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of time without a change of features. `values`: what became known at its
    beginning, by view; `requests`: rows ready to send; `labels`: those known by its end."""

    start: datetime
    values: Mapping[str, pd.DataFrame]
    requests: Sequence[dict[str, Any]]
    labels: Sequence[TrueLabel]


@dataclass(frozen=True, slots=True)
class Window:
    """Half open, by event time, with zone."""

    start: datetime
    end: datetime


def pieces(
    project: ProjectSpec,
    rows: pd.DataFrame,
    sources: Mapping[str, pd.DataFrame],
    window: Window,
) -> Iterator[Piece]:
    """All pieces of the window, in order of time. The first one also makes known the last
    values from before it; the last one tells all labels that were not told yet.

    Args:
        rows: the table of rows, with event time and label.
        sources: view name -> the view's computed source, of the views that the model uses.
    """
    import pandas as pd

    event_time = project.data.event_time
    if event_time is None:
        raise InvalidProject(
            "rows without event time cannot be replayed", next_step="set data.event_time"
        )
    start, end = pd.Timestamp(window.start), pd.Timestamp(window.end)
    inside = rows[(rows[event_time] >= start) & (rows[event_time] < end)]
    inside = inside.sort_values(event_time, kind="stable")
    cuts = _cuts(inside[event_time], sources, start, end)
    requests = _requests(project, inside)
    labels = _labels(project, inside)
    of_row = cuts.searchsorted(pd.DatetimeIndex(inside[event_time]), side="right") - 1
    known = cuts.searchsorted(pd.DatetimeIndex([at for at, _ in labels]), side="left") - 1
    by_view = {name: _by_piece(source, cuts) for name, source in sources.items()}
    row = label = 0
    for number, cut in enumerate(cuts):
        last_row = int(of_row.searchsorted(number, side="right"))
        last_label = int(known.searchsorted(number, side="right"))
        if number == len(cuts) - 1:
            last_label = len(labels)
        yield Piece(
            cut.to_pydatetime(),
            {name: parts[number] for name, parts in by_view.items() if number in parts},
            requests[row:last_row],
            [told for _, told in labels[label:last_label]],
        )
        row, label = last_row, max(label, last_label)


def _cuts(
    times: pd.Series, sources: Mapping[str, pd.DataFrame], start: pd.Timestamp, end: pd.Timestamp
) -> pd.DatetimeIndex:
    """The window's start, every full hour, and every instant with a new value."""
    import pandas as pd

    cuts = pd.date_range(start.ceil("h"), end, freq="h", inclusive="left")
    cuts = cuts.union(pd.DatetimeIndex([start]))
    for source in sources.values():
        known = pd.DatetimeIndex(source[EVENT_TIMESTAMP].unique())
        cuts = cuts.union(known[(known > start) & (known < end)])
    return cuts


def _by_piece(source: pd.DataFrame, cuts: pd.DatetimeIndex) -> dict[int, pd.DataFrame]:
    """Piece number -> rows of the source; the first piece gets the past as well."""
    import pandas as pd

    at = cuts.searchsorted(pd.DatetimeIndex(source[EVENT_TIMESTAMP]), side="right") - 1
    at = at.clip(min=0)
    within = source[EVENT_TIMESTAMP] <= cuts[-1]
    parts = source[within].groupby(at[within.to_numpy()])
    return {cast(int, number): part for number, part in parts}


def _requests(project: ProjectSpec, rows: pd.DataFrame) -> list[dict[str, Any]]:
    names = [field.name for field in contract_of(project).fields if field.name in rows]
    records = cast(list[dict[str, Any]], rows[names].to_dict("records"))
    ids = row_ids(project, rows)
    return [{**record, PREDICTION_ID: given} for record, given in zip(records, ids, strict=True)]


def row_ids(project: ProjectSpec, rows: pd.DataFrame) -> list[str]:
    """The prediction id of each row, made of the project and its key."""
    keys = rows[list(project.data.key)].itertuples(index=False, name=None)
    return [id_of_key(project.name, key) for key in keys]


def _labels(project: ProjectSpec, rows: pd.DataFrame) -> list[tuple[datetime, TrueLabel]]:
    """Labels that exist, by the instant at which they became known; at once, without one."""
    label = project.label
    labelled = rows[rows[label.column].notna()]
    if label.time is not None:
        known = labelled[label.time]
    else:
        known = labelled[project.data.event_time]
        known = known + to_timedelta(label.delay) if label.delay else known
    told = [
        (at.to_pydatetime(), TrueLabel(given, _plain(value), at.to_pydatetime()))
        for given, value, at in zip(
            row_ids(project, labelled), labelled[label.column], known, strict=True
        )
    ]
    return sorted(told, key=lambda pair: pair[0])


def _plain(value: Any) -> Any:
    return value.item() if hasattr(value, "item") else value
