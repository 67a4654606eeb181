"""Features of views at serving: equal to what training would have seen, value by value."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from mizzen.adapters import backends
from mizzen.adapters.segment_log.log import SegmentLog
from mizzen_serving.client import Client
from mizzen_serving.replay import replay
from mizzen_serving.traffic import Window

from .conftest import versions

ROWS = 1000
DAY = datetime(2013, 7, 1, tzinfo=UTC)
WINDOW = Window(DAY, datetime(2013, 7, 6, tzinfo=UTC))
VIEWS = [
    {
        "name": "weather",
        "entity": ["origin"],
        "source": "features:weather",
        "ttl": "6h",
        "columns": [{"name": "temp"}, {"name": "sky", "kind": "category"}],
    },
    {
        "name": "routes",
        "entity": ["origin", "carrier"],
        "source": "features:routes",
        "ttl": "30d",
        "columns": [{"name": "delay"}],
    },
]


@pytest.fixture
def project(tiny):
    columns = [{"name": "distance"}, {"name": "carrier", "kind": "category"}]
    return tiny(features={"columns": columns, "views": VIEWS}, label={"column": "late"})


def rows_and_sources() -> tuple[pd.DataFrame, dict[str, pd.DataFrame]]:
    """Weather stops for a day (older than its ttl), some entities are unknown or null."""
    noise = np.random.default_rng(5)
    start = pd.Timestamp(DAY)
    rows = pd.DataFrame(
        {
            "flight": range(ROWS),
            "at": start + pd.to_timedelta(noise.integers(0, 5 * 86_400, ROWS), unit="s"),
            "origin": noise.choice(np.array(["JFK", "EWR", "???", None], dtype=object), ROWS),
            "carrier": noise.choice(["AA", "DL"], ROWS),
            "distance": noise.normal(10, 4, ROWS),
            "late": noise.integers(0, 2, ROWS),
        }
    )
    hours = start + pd.to_timedelta(np.r_[-48:30, 54:120], unit="h")
    weather = pd.DataFrame(
        [(o, h) for h in hours for o in ("JFK", "EWR")], columns=["origin", "event_timestamp"]
    )
    weather["temp"] = noise.normal(10, 4, len(weather))
    weather.loc[::7, "temp"] = None
    weather["sky"] = noise.choice(np.array(["AA", "UA", None], dtype=object), len(weather))
    moments = start + pd.to_timedelta(noise.integers(-86_400, 5 * 86_400, 60), unit="s")
    routes = pd.DataFrame(
        {
            "origin": noise.choice(["JFK", "EWR"], 60),
            "carrier": noise.choice(["AA", "DL"], 60),
            "event_timestamp": moments,
            "delay": noise.normal(10, 4, 60),
        }
    ).drop_duplicates(["origin", "carrier", "event_timestamp"])
    return rows, {"weather": weather, "routes": routes}


def test_replayed_requests_see_what_the_offline_join_gives(
    project, place, launch, build_package, tmp_path: Path
) -> None:
    rows, sources = rows_and_sources()
    views = versions(project)
    store = backends.load_backend("feature_source", "local")(place)
    store.apply(views, sources)
    service = launch(package=build_package(tmp_path / "package", place, project))
    service.wait_ready()
    log = SegmentLog(place)
    with Client(f"http://127.0.0.1:{service.port}") as client:
        done = replay(
            project, rows, sources, WINDOW, client=client, log=log, source=store, views=views
        )
    assert (done.rows, done.logged, done.labelled) == (ROWS, ROWS, ROWS)
    page = service.ask("GET", "/metrics")[1].decode()
    assert f"mizzen_serving_rows_total {ROWS}.0" in page  # Feast changes a setting of theirs
    joined = store.training_frame(rows, "at", views).set_index("flight")
    names = ["temp", "sky", "delay"]
    served = {p.key["flight"]: p.features for p in log.read()}
    for flight, values in joined[names].iterrows():
        assert {n: served[flight][n] for n in names} == {n: plain(values[n]) for n in names}
    known = joined[names].notna().mean()
    assert known.between(0.2, 0.8).all()  # both cases were met, often


def plain(value: object) -> object:
    return None if value is None or (isinstance(value, float) and math.isnan(value)) else value


def test_views_that_were_never_applied_are_told_at_the_start(
    project, place, launch, build_package, tmp_path: Path
) -> None:
    service = launch(package=build_package(tmp_path / "package", place, project))
    assert service.process.wait(timeout=120) == 3
    assert "Traceback" not in service.process.communicate()[1]
