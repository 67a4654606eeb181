"""The flights example's rows: every flight once, with instants that fit what the data say."""

from __future__ import annotations

import pandas as pd

Tables = dict[str, pd.DataFrame]


def test_every_flight_is_a_row_with_its_own_id(flights: Tables) -> None:
    rows = flights["flights"]
    assert len(rows) == 336_776
    assert rows["flight_id"].is_unique


def test_flights_without_an_arrival_have_no_label(flights: Tables) -> None:
    rows = flights["flights"]
    assert rows["late"].isna().sum() == 9_430
    assert (rows["late"].isna() == rows["landed_at"].isna()).all()


def test_nothing_but_the_label_tells_that_a_flight_was_cancelled(flights: Tables) -> None:
    rows = flights["flights"].drop(columns=["late", "landed_at", "tailnum"])
    assert not rows.isna().any().any()


def test_a_flight_lands_after_it_has_departed(flights: Tables) -> None:
    moved = flights["movements"].dropna(subset=["landed_at"])
    hours = (moved["landed_at"] - moved["departed_at"]).dt.total_seconds() / 3600
    assert hours.min() > 0.4
    assert hours.max() < 15


def test_the_share_of_late_flights_is_the_known_one(flights: Tables) -> None:
    rows = flights["flights"]
    month = (
        (rows["predicted_at"] + pd.Timedelta(hours=1)).dt.tz_convert("America/New_York").dt.month
    )
    share = rows.groupby(month)["late"].mean().round(3)
    assert (share[6], share[9]) == (0.308, 0.132)


def test_predictions_are_made_an_hour_before_departure(flights: Tables) -> None:
    rows = flights["flights"]
    local = rows["predicted_at"].dt.tz_convert("America/New_York") + pd.Timedelta(hours=1)
    minute = local.dt.hour * 60 + local.dt.minute
    assert (minute == rows["departure_minute"]).all()
