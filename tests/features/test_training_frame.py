"""The point-in-time join: what a row sees is what was known at its time, and no row is lost."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mizzen.adapters.feast.asof import NONE, newest
from mizzen.adapters.feast.entity_frame import guard, question
from mizzen.adapters.feast.source import FeastSource
from mizzen.errors import IntegrityError, InvalidData

from .conftest import times, view


def rows(ports: list[object], *hours: float) -> pd.DataFrame:
    return pd.DataFrame({"port": ports, "at": times(*hours), "label": range(len(ports))})


def joined(source: FeastSource, traffic: pd.DataFrame, asked: pd.DataFrame) -> pd.DataFrame:
    source.apply([view()], {"traffic": traffic})
    return source.training_frame(asked, "at", [view()])


def test_a_row_sees_the_newest_value_that_was_known_at_its_time(
    source: FeastSource, traffic: pd.DataFrame
) -> None:
    frame = joined(source, traffic, rows(["hamburg"] * 3, 1, 1.99, 2))
    assert frame["ships"].tolist() == [10, 10, 11]
    assert frame["mood"].tolist() == ["calm", "calm", "busy"]


def test_a_value_older_than_its_ttl_is_null_and_the_row_stays(
    source: FeastSource, traffic: pd.DataFrame
) -> None:
    frame = joined(source, traffic, rows(["bremen"] * 3, 5, 5.001, 1.9))
    assert len(frame) == 3
    assert frame["ships"].fillna(-1).tolist() == [20, -1, -1]


def test_an_old_value_does_not_stand_in_for_a_newer_null(
    source: FeastSource, traffic: pd.DataFrame
) -> None:
    frame = joined(source, traffic, rows(["hamburg"], 6.5))
    assert frame["ships"].isna().all()
    assert frame["mood"].tolist() == ["calm"]


def test_rows_and_their_order_and_their_duplicates_are_kept(
    source: FeastSource, traffic: pd.DataFrame
) -> None:
    asked = rows(["hamburg", "bremen", "hamburg", "nowhere", None, "hamburg"], 6, 2, 1, 2, 2, 6)
    asked.index = pd.Index([9, 9, 3, 1, 0, 2])
    frame = joined(source, traffic, asked)
    pd.testing.assert_frame_equal(frame[["port", "at", "label"]], asked)
    assert frame["mood"].tolist() == ["calm", None, "calm", None, None, "calm"]


def test_of_two_values_of_one_instant_the_later_row_counts(
    source: FeastSource, traffic: pd.DataFrame
) -> None:
    twice = pd.concat([traffic, traffic.tail(1).assign(ships=7)], ignore_index=True)
    assert joined(source, twice, rows(["hamburg"], 7))["ships"].tolist() == [7]


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_times_of_any_unit_and_zone_are_compared_as_instants(
    source: FeastSource, traffic: pd.DataFrame, unit: str
) -> None:
    asked = rows(["hamburg"], 2)
    asked["at"] = (
        asked["at"]
        .dt.tz_convert("America/New_York")
        .astype(f"datetime64[{unit}, America/New_York]")
    )
    assert joined(source, traffic, asked)["ships"].tolist() == [11]


def test_whole_numbers_are_one_key_however_they_are_stored(source: FeastSource) -> None:
    facts = pd.DataFrame(
        {"port": [5, 6], "event_timestamp": times(1, 1), "ships": [1, 2], "mood": [None, None]}
    )
    assert joined(source, facts, rows([5.0, None, 6.0], 2, 2, 2))["ships"].tolist()[::2] == [1, 2]


def test_a_view_can_have_several_keys(source: FeastSource) -> None:
    pair = view(entity=["port", "dock"])
    facts = pd.DataFrame(
        {
            "port": ["a", "a", "b"],
            "dock": [1, 2, 1],
            "event_timestamp": times(1, 1, 1),
            "ships": [11, 12, 21],
            "mood": ["x", "y", "z"],
        }
    )
    asked = rows(["b", "a", "a", "b"], 2, 2, 2, 2).assign(dock=[1, 2, 1, 2])
    source.apply([pair], {"traffic": facts})
    frame = source.training_frame(asked, "at", [pair])
    assert frame["ships"].fillna(-1).tolist() == [21, 12, 11, -1]


def test_rows_without_zone_or_without_the_entity_are_refused(
    source: FeastSource, traffic: pd.DataFrame
) -> None:
    naive = rows(["hamburg"], 2)
    naive["at"] = naive["at"].dt.tz_localize(None)
    with pytest.raises(InvalidData, match="instants with a zone"):
        joined(source, traffic, naive)
    with pytest.raises(InvalidData, match="lack columns that the feature views need: port"):
        joined(source, traffic, rows(["hamburg"], 2).drop(columns="port"))


def test_an_answer_that_lost_or_moved_rows_is_refused() -> None:
    asked = question(rows(["a", "b", "b"], 1, 2, 2), "at", [view()])
    with pytest.raises(IntegrityError, match="another number of rows"):
        guard(asked, asked.head(2))
    with pytest.raises(IntegrityError, match="another order"):
        guard(asked, asked.iloc[[0, 2, 1]])


facts_of = st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 6)), max_size=12)
asked_of = st.lists(st.tuples(st.sampled_from([*"abcd", None]), st.integers(-1, 7)), min_size=1)


@settings(max_examples=200, deadline=None)
@given(facts_of, asked_of)
def test_the_join_equals_a_search_by_hand(
    facts: list[tuple[str, int]], asked: list[tuple[str | None, int]]
) -> None:
    def by_hand(key: str | None, at: int) -> int:
        fits = [(t, i) for i, (k, t) in enumerate(facts) if k == key and t <= at]
        return max(fits)[1] if fits else NONE

    found = newest(
        [np.array([k for k, _ in asked], dtype=object)],
        np.array([t for _, t in asked]),
        [np.array([k for k, _ in facts], dtype=object)],
        np.array([t for _, t in facts], dtype=np.int64),
    )
    assert found.tolist() == [by_hand(*row) for row in asked]
