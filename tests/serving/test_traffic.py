"""The order in which a replayed window reveals what was known."""

from __future__ import annotations

from datetime import UTC, datetime

import pandas as pd
import pytest

from mizzen.errors import InvalidProject
from mizzen_serving.traffic import Window, pieces

WINDOW = Window(datetime(2013, 7, 1, tzinfo=UTC), datetime(2013, 7, 2, tzinfo=UTC))
VIEW = {
    "name": "weather",
    "entity": ["origin"],
    "source": "features:weather",
    "ttl": "6h",
    "columns": [{"name": "temp"}],
}


def at(minutes: int) -> pd.Timestamp:
    return pd.Timestamp("2013-07-01", tz="UTC") + pd.Timedelta(minutes=minutes)


@pytest.fixture
def project(tiny):
    return tiny(
        features={"columns": [{"name": "distance"}], "views": [VIEW]},
        label={"column": "late", "time": "landed"},
    )


@pytest.fixture
def rows() -> pd.DataFrame:
    minutes = [70, 5, 1439, 59, 60, -1, 1440, 90]
    return pd.DataFrame(
        {
            "flight": range(8),
            "at": [at(m) for m in minutes],
            "origin": "JFK",
            "distance": 1.5,
            "late": pd.array([1, 0, 1, None, 0, 1, 1, 0], dtype="Int64"),
            "landed": [at(m + 60) for m in minutes],
        }
    )


def weather(*minutes: int) -> pd.DataFrame:
    return pd.DataFrame(
        {"origin": "JFK", "event_timestamp": [at(m) for m in minutes], "temp": minutes}
    )


def test_rows_of_the_window_come_once_in_order_of_time(project, rows) -> None:
    found = [r for p in pieces(project, rows, {}, WINDOW) for r in p.requests]
    assert [r["flight"] for r in found] == [1, 3, 4, 0, 7, 2]
    assert len({r["prediction_id"] for r in found}) == 6
    assert set(found[0]) == {"prediction_id", "at", "flight", "origin", "distance"}


def test_a_row_sees_every_value_known_by_then_and_none_later(project, rows) -> None:
    source = weather(-600, -30, 0, 59, 60, 75, 1439, 5000)
    seen: set[int] = set()
    for piece in pieces(project, rows, {"weather": source}, WINDOW):
        for values in piece.values.values():
            seen |= set(values["temp"])
        for row in piece.requests:
            moment = (row["at"] - at(0)).total_seconds() / 60
            assert seen == {m for m in source["temp"] if m <= moment}


def test_labels_are_told_when_known_and_all_in_the_end(project, rows) -> None:
    told: list[float] = []
    for piece in pieces(project, rows, {}, WINDOW):
        last = piece.start.hour == 23
        for label in piece.labels:
            assert last or label.at <= pd.Timestamp(piece.start) + pd.Timedelta(hours=1)
            told.append((label.at - at(0)).total_seconds() / 60)
    assert told == sorted(told) == [65, 120, 130, 150, 1499]


def test_a_null_label_is_never_told(project, rows) -> None:
    ids = {
        r["flight"]: r["prediction_id"]
        for p in pieces(project, rows, {}, WINDOW)
        for r in p.requests
    }
    told = {label.prediction_id for p in pieces(project, rows, {}, WINDOW) for label in p.labels}
    assert ids[3] not in told
    assert len(told) == 5


def test_rows_without_event_time_cannot_be_replayed(tiny, rows) -> None:
    timeless = tiny(
        data={"source": {"path": "x.csv"}, "key": ["flight"]}, split={"by": "key", "test": 0.2}
    )
    with pytest.raises(InvalidProject, match="event time"):
        next(pieces(timeless, rows, {}, WINDOW))
