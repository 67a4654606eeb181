"""Nothing that became known after an instant changes a feature before it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from mizzen.spec import ProjectSpec

Tables = dict[str, pd.DataFrame]
NOW = pd.Timestamp("2013-03-10T16:20:00Z")  # the day the clocks changed, and no full hour


@pytest.fixture(scope="module")
def march(flights: Tables) -> Tables:
    """Two weeks around the instant: enough history, quick to compute."""
    around = pd.Timedelta(days=7)

    def near(table: str, column: str) -> pd.DataFrame:
        frame = flights[table]
        return frame[(frame[column] - NOW).abs() < around].reset_index(drop=True)

    return {
        "flights": near("flights", "predicted_at"),
        "movements": near("movements", "scheduled_at"),
        "weather": near("weather", "known_at"),
        "planes": flights["planes"],
    }


def rewritten(tables: Tables) -> Tables:
    """The same past, another future: what was not known at NOW is something else."""
    moves = tables["movements"].copy()
    flying, waiting = ~(moves["landed_at"] <= NOW), ~(moves["departed_at"] <= NOW)
    moves.loc[flying, "arrival_delay"] = 1000.0
    moves.loc[flying, "landed_at"] = NOW + pd.Timedelta(seconds=1)
    moves.loc[waiting, "departure_delay"] = 1000.0
    moves.loc[waiting, "departed_at"] = NOW + pd.Timedelta(seconds=1)
    weather = tables["weather"].copy()
    later = weather["known_at"] > NOW
    measured = weather.columns.drop(["origin", "known_at"])
    weather.loc[later, measured] = -999.0
    rows = tables["flights"].copy()
    rows.loc[~(rows["landed_at"] <= NOW), "late"] = 0
    return {**tables, "flights": rows, "movements": moves, "weather": weather}


def frame_of(
    tables: Tables,
    project: ProjectSpec,
    compute: Callable[[str, Tables], pd.DataFrame],
) -> pd.DataFrame:
    """The views' columns of the rows that are predicted until NOW, joined by pandas."""
    rows = tables["flights"][["flight_id", "predicted_at", "origin", "carrier", "tailnum"]]
    rows = rows.sort_values("predicted_at", kind="stable").reset_index(drop=True)
    rows["predicted_at"] = rows["predicted_at"].dt.as_unit("us")
    for view in project.features.used_views:
        facts = compute(view.name, tables).sort_values("event_timestamp", kind="stable")
        facts["event_timestamp"] = facts["event_timestamp"].dt.as_unit("us")
        rows = pd.merge_asof(
            rows,
            facts,
            left_on="predicted_at",
            right_on="event_timestamp",
            by=list(view.entity),
        ).drop(columns="event_timestamp")
    return rows


def test_changing_the_future_changes_no_feature_before_it(
    march: Tables, flights_project: ProjectSpec, flights_view: Callable[[str, Tables], pd.DataFrame]
) -> None:
    real = frame_of(march, flights_project, flights_view)
    other = frame_of(rewritten(march), flights_project, flights_view)
    asked = real["predicted_at"] <= NOW
    assert asked.sum() > 5_000
    pd.testing.assert_frame_equal(real[asked], other[asked])


def test_the_test_would_see_a_leak(
    march: Tables, flights_project: ProjectSpec, flights_view: Callable[[str, Tables], pd.DataFrame]
) -> None:
    real = frame_of(march, flights_project, flights_view)
    other = frame_of(rewritten(march), flights_project, flights_view)
    later = real["predicted_at"] > NOW + pd.Timedelta(hours=2)
    for column in ("temp", "origin_arrival_delay", "carrier_departure_delay"):
        ours, theirs = real.loc[later, column].to_numpy(), other.loc[later, column].to_numpy()
        assert not np.array_equal(ours, theirs, equal_nan=True), column


def test_values_stand_on_full_hours(
    march: Tables, flights_view: Callable[[str, Tables], pd.DataFrame]
) -> None:
    for name in ("origin_weather", "origin_delays", "carrier_delays"):
        known = flights_view(name, march)["event_timestamp"]
        assert (known == known.dt.floor("h")).all(), name


def test_a_recent_delay_counts_what_had_landed_by_then(
    march: Tables, flights_view: Callable[[str, Tables], pd.DataFrame]
) -> None:
    moves = march["movements"]
    facts = flights_view("origin_delays", march).set_index(["origin", "event_timestamp"])
    at = NOW.floor("h")
    for origin in ("EWR", "JFK", "LGA"):
        here = moves[moves["origin"] == origin]
        landed = here[(here["landed_at"] <= at) & (here["landed_at"] > at - pd.Timedelta(hours=3))]
        due = here[
            (here["scheduled_at"] <= at) & (here["scheduled_at"] > at - pd.Timedelta(hours=3))
        ]
        row = facts.loc[(origin, at)]
        assert row["origin_arrival_delay"] == pytest.approx(landed["arrival_delay"].mean())
        assert row["origin_late_share"] == pytest.approx((landed["arrival_delay"] > 15).mean())
        still = ~(due["departed_at"] <= at)
        assert row["origin_waiting_share"] == pytest.approx(still.mean())
