"""One entity is one key, whatever type rows, histories and requests give it in."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mizzen.adapters.feast.join import join
from mizzen.adapters.feast.keys import request_keys, text_keys
from mizzen.adapters.feast.source import FeastSource
from mizzen.errors import InvalidData
from mizzen_tests.soak import examples

from .conftest import hour, times, view

BIG = 2**53 + 1
KEYS: dict[str, tuple[list[Any], list[Any]]] = {
    "instants": (
        list(pd.to_datetime(["2024-01-01T05:00Z", "2024-06-01T00:00Z"])),
        ["2024-01-01T05:00:00Z", "2024-06-01T00:00:00Z"],
    ),
    "times without a zone": (
        list(pd.to_datetime(["2024-01-01T05:00", "2024-06-01T00:00"])),
        ["2024-01-01T05:00:00", "2024-06-01T00:00:00"],
    ),
    "dates": ([date(2024, 1, 1), date(2024, 6, 1)], ["2024-01-01", "2024-06-01"]),
    "booleans": ([True, False], [True, False]),
    "large integers": ([BIG, BIG + 1], [BIG, BIG + 1]),
    "float32": (list(np.array([0.1, 2.5], dtype=np.float32)), [0.1, 2.5]),
    "decimals": ([Decimal("1.10"), Decimal("20")], [1.1, 20]),
    "integers": ([5, 6], [5.0, "6"]),
    "text": (["02116", "1E5"], ["02116", "1E5"]),
}


def facts(keys: list[Any], dtype: Any = object) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "port": pd.Series(keys, dtype=dtype),
            "event_timestamp": times(*[1] * len(keys)),
            "ships": [float(n) for n in range(len(keys))],
            "mood": [str(n) for n in range(len(keys))],
        }
    )


def test_every_type_of_entity_is_found_offline_online_and_by_a_request(source: FeastSource) -> None:
    for name, (stored, requested) in KEYS.items():
        own = view(code=name)
        source.apply([own], {"traffic": facts(stored)})
        source.materialize([own], hour(2))
        rows = pd.DataFrame({"port": pd.Series(stored, dtype=object), "at": times(2, 2)})
        assert source.training_frame(rows, "at", [own])["ships"].tolist() == [0, 1], name
        sent = json.loads(json.dumps(requested))
        at = [hour(2)] * 2
        assert source.online([own], {"port": sent}, at)["ships"] == [0, 1], name


def test_large_integers_beside_a_null_are_no_neighbours() -> None:
    ids = pd.array([BIG, BIG + 1, None], dtype="Int64")
    rows = pd.DataFrame({"port": ids, "at": times(2, 2, 2)})
    found = join(rows, "at", [view()], {"traffic": facts([BIG, BIG + 1], "int64")})
    assert found["ships"].fillna(-1).tolist() == [0, 1, -1]
    rows["port"] = rows["port"].astype("float64")
    with pytest.raises(InvalidData, match="several whole numbers"):
        join(rows, "at", [view()], {"traffic": facts([BIG, BIG + 1], "int64")})


def test_a_request_for_an_entity_that_may_be_several_names_the_field(source: FeastSource) -> None:
    source.apply([view()], {"traffic": facts(["a", "b"])})
    with pytest.raises(InvalidData, match=r"field 'port'.*several whole numbers"):
        source.online([view()], {"port": ["a", 1e23]}, [hour(2)] * 2)


values = st.one_of(
    st.booleans(),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(allow_infinity=False).filter(lambda x: not x.is_integer() or abs(x) < 2**53),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=5),
    st.datetimes(timezones=st.just(UTC)) | st.datetimes(),
    st.dates(),
    st.decimals(allow_nan=False, allow_infinity=False, places=3),
    st.none(),
)
ARRAYS: list[tuple[Any, Callable[[Any], bool]]] = [
    ("int64", lambda v: type(v) is int),
    ("Int64", lambda v: v is None or type(v) is int),
    ("boolean", lambda v: v is None or isinstance(v, bool)),
    ("bool", lambda v: isinstance(v, bool)),
    ("float64", lambda v: isinstance(v, float)),
    ("string", lambda v: v is None or isinstance(v, str)),
    ("category", lambda v: v is None or isinstance(v, str)),
    ("datetime64[us, UTC]", lambda v: isinstance(v, datetime) and v.tzinfo is not None),
    ("datetime64[us]", lambda v: isinstance(v, datetime) and v.tzinfo is None),
]


@pytest.mark.soak
@settings(max_examples=examples(150, 10_000), deadline=None)
@given(st.lists(values, min_size=1, max_size=6))
def test_one_value_has_one_text_in_every_array_and_in_a_request(given_values: list[Any]) -> None:
    for one in given_values:
        (expected,) = request_keys([one], "key")
        assert text_keys(pd.Series([one], dtype=object), "key").tolist() == [expected]
        for dtype, fits in ARRAYS:
            if fits(one):
                stored = pd.Series([one], dtype=dtype)
                assert text_keys(stored, "key").tolist() == [expected], dtype
        if isinstance(one, bool | int | float | str) and expected:
            assert request_keys([json.loads(json.dumps(one))], "key") == [expected]
