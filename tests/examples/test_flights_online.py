"""The service's features are the training frame's: a day of traffic, pushed hour by hour."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pandas as pd

from mizzen.adapters.feast.source import FeastSource
from mizzen.core.place import Place
from mizzen.spec import ProjectSpec
from mizzen.spec.profile import Profile

Tables = dict[str, pd.DataFrame]
HOUR = pd.Timedelta(hours=1)


def test_a_thousand_requests_are_answered_with_the_features_of_training(
    flights: Tables,
    flights_project: ProjectSpec,
    flights_view: Callable[[str, Tables], pd.DataFrame],
    tmp_path: Path,
) -> None:
    profile = Profile.model_validate({"apiVersion": "mizzen.dev/v1", "kind": "Profile"})
    source = FeastSource(Place("flights", tmp_path, profile))
    views = flights_project.features.used_views
    sources = {view.name: flights_view(view.name, flights) for view in views}
    source.apply(views, sources)
    rows = flights["flights"]
    start = pd.Timestamp("2013-07-09T04:00:00Z")
    asked = rows[rows["predicted_at"].between(start, start + 30 * HOUR, inclusive="left")]
    frame = source.training_frame(asked, "predicted_at", views).sort_values("predicted_at")
    source.materialize(views, start.to_pydatetime())
    compared = 0
    for hour, group in frame.groupby(frame["predicted_at"].dt.floor("h")):
        for view in views:
            source.push(view, sources[view.name].query("event_timestamp == @hour"))
        entities = {name: group[name].tolist() for name in ("origin", "carrier", "tailnum")}
        at = [time.to_pydatetime() for time in group["predicted_at"]]
        online = source.online(views, entities, at)
        for column in (c.name for view in views for c in view.columns):
            trained = [None if pd.isna(value) else value for value in group[column]]
            assert online[column] == trained, (hour, column)
        compared += len(group)
    assert compared >= 1_000
    assert frame["temp"].notna().all()
