"""A value has one text, whatever type it comes in."""

from __future__ import annotations

import math
import re
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from enum import Enum, IntEnum
from pathlib import Path
from typing import Any
from uuid import UUID

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mizzen.core.canonical import canonical_text, canonical_texts, is_null
from mizzen.errors import InvalidData

SEOUL = timezone(timedelta(hours=9))

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "values.md"
# row of the reference's table -> values of that row
TABLE: dict[str, list[Any]] = {
    "text": ["02116", "NA", "None", " a "],
    "empty text": [""],
    "boolean": [True],
    "whole number": [9007199254740993],
    "float that is whole, below 2^53": [5.0],
    "float that is whole, of 2^53 and more; infinite": [2.0**53, -(2.0**60), math.inf],
    "other float": [0.1, 1e-05],
    "decimal": [Decimal("1.10")],
    "bytes": [b"02116"],
    "date": [date(2024, 3, 1)],
    "date and time without zone": [datetime(2024, 3, 1, 12)],  # noqa: DTZ001
    "date and time with zone": [datetime(2024, 3, 1, 12, tzinfo=SEOUL)],
    "UUID": [UUID(int=1)],
    "None, NaN, NaT, NA": [None, math.nan, pd.NaT, pd.NA],
    "anything else (a list, a duration, a time of day)": [[1], timedelta(1), time(12)],
}


class Colour(str, Enum):  # noqa: UP042 (whose str() is not its text)
    RED = "red"


class Size(IntEnum):
    LARGE = 3


NAMES = [
    ("02116", "02116"),
    (" a ", " a "),
    ("NA", "NA"),
    ("None", "None"),
    ("nan", "nan"),
    (np.str_("x"), "x"),
    (Colour.RED, "red"),
    (Size.LARGE, "3"),
    (True, "true"),
    (np.bool_(False), "false"),
    (5, "5"),
    (2**53 + 1, "9007199254740993"),
    (2**80, "1208925819614629174706176"),
    (np.int64(-(2**63)), "-9223372036854775808"),
    (np.uint64(2**64 - 1), "18446744073709551615"),
    (5.0, "5"),
    (-0.0, "0"),
    (2.0**53 - 1, "9007199254740991"),
    (0.1, "0.1"),
    (np.float32(0.1), "0.1"),
    (np.float32(2**24 - 1), "16777215"),
    (np.float16(3.5), "3.5"),
    (1e-05, "1e-05"),
    (np.float64(1e-05), "1e-05"),
    (Decimal("1.10"), "1.1"),
    (Decimal("100"), "100"),
    (Decimal("1E+3"), "1000"),
    (Decimal("-0.00"), "0"),
    (Decimal("0.00001"), "0.00001"),
    (Decimal("12345678901234567890.5"), "12345678901234567890.5"),
    (b"a", "a"),
    ("금액".encode(), "금액"),
    (date(2024, 3, 1), "2024-03-01"),
    (datetime.fromisoformat("2024-03-01T12:00"), "2024-03-01T12:00:00"),
    (datetime(2024, 3, 1, 12, tzinfo=SEOUL), "2024-03-01T03:00:00Z"),
    (datetime(1, 1, 1, tzinfo=UTC), "0001-01-01T00:00:00Z"),
    (datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC), "9999-12-31T23:59:59Z"),
    (datetime(2024, 3, 1, 12, 0, 0, 5, tzinfo=UTC), "2024-03-01T12:00:00.000005Z"),
    (pd.Timestamp("2024-03-01T12:00", tz="Asia/Seoul"), "2024-03-01T03:00:00Z"),
    (pd.Timestamp("2024-03-01T12:00"), "2024-03-01T12:00:00"),
    (np.datetime64("2024-03-01"), "2024-03-01"),
    (np.datetime64("2024-03-01T12", "h"), "2024-03-01T12:00:00"),
    (np.datetime64("2024-03-01T12:00:00.5", "ns"), "2024-03-01T12:00:00.500000"),
    (np.datetime64("2024-03-01T12:00:00.000000001"), "2024-03-01T12:00:00.000000001"),
    (UUID(int=1), "00000000-0000-0000-0000-000000000001"),
]
NULLS = [None, math.nan, np.float32("nan"), pd.NA, pd.NaT, Decimal("nan"), Decimal("sNaN")]
NULLS += [np.datetime64("NaT"), np.timedelta64("NaT")]
EMPTY = ["", b"", np.str_("")]
REFUSED = [
    math.inf,
    np.float32(-math.inf),
    Decimal("Infinity"),
    2.0**53,
    1e23,
    np.float32(2**24),
    np.float16(2048),
    Decimal("1E+5000"),
    10**5000,
    b"\xff",
    datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=14))),
    datetime(9999, 12, 31, 23, tzinfo=timezone(timedelta(hours=-5))),
    time(12),
    timedelta(days=1),
    np.timedelta64(1, "D"),
    np.datetime64(1, "ps"),
    pd.Period("2024-01"),
    ["a"],
    {"a": 1},
    1j,
    object(),
]


@pytest.mark.parametrize(("value", "text"), NAMES, ids=repr)
def test_a_value_has_the_text_of_the_table(value: Any, text: str) -> None:
    assert canonical_text(value) == text
    assert type(canonical_text(value)) is str


@pytest.mark.parametrize("value", [*NULLS, *EMPTY], ids=repr)
def test_nulls_of_every_library_and_empty_text_are_null(value: Any) -> None:
    assert canonical_text(value) is None


@pytest.mark.parametrize("value", REFUSED, ids=lambda value: type(value).__name__)
def test_a_value_that_may_stand_for_several_or_has_no_text_is_refused(value: Any) -> None:
    with pytest.raises(InvalidData):
        canonical_text(value)


def test_only_nulls_are_null() -> None:
    assert all(is_null(value) for value in NULLS)
    assert not any(is_null(value) for value, _ in NAMES)


def as_array(values: list[Any]) -> Any:
    array = np.empty(len(values), dtype=object)
    array[:] = values
    return array


@pytest.mark.parametrize(
    "values",
    [
        np.array([0, 1, -5], dtype=np.int8),
        np.array([2**63], dtype=np.uint64),
        np.array([True, False]),
        np.array([1.0, -0.0, np.nan, 0.1, 1.0, np.nan, 1e-05, 2.0**53 - 1, 1e300 / 3e299]),
        np.array([0.1, 2.5, np.nan], dtype=np.float32),
        np.array(["2024-01-01", "NaT"], dtype="datetime64[us]"),
        np.array(["a", "", "b"]),
        np.array([b"a", b""]),
        as_array(["a", None, pd.NA, 1, 1.0, True, Decimal("1.0"), ""]),
        np.array([], dtype=np.float64),
    ],
    ids=lambda values: str(values.dtype),
)
def test_the_texts_of_a_column_are_those_of_its_values(values: Any) -> None:
    texts = canonical_texts(values, "x")
    assert texts.dtype == object
    assert texts.tolist() == [canonical_text(value) for value in values]


def test_a_refused_value_of_a_column_is_shown_with_its_row() -> None:
    with pytest.raises(InvalidData) as refused:
        canonical_texts(np.array([1.0, np.nan, 2.0**60]), "zip")
    assert refused.value.message.startswith("column 'zip', row 3: ")
    assert "1.152921504606847e+18" in str(refused.value.given)


@settings(max_examples=200)
@given(st.integers(-(2**53) + 1, 2**53 - 1))
def test_a_whole_number_has_one_text_in_every_type_that_holds_it_exactly(number: int) -> None:
    same: list[Any] = [number, np.int64(number), float(number), Decimal(number)]
    same += [Decimal(number).scaleb(-2).scaleb(2), str(number), str(number).encode()]
    if abs(number) < 2**24:
        same.append(np.float32(number))
    assert {canonical_text(value) for value in same} == {str(number)}


def table_of_the_reference() -> dict[str, tuple[str, list[str]]]:
    """Value -> its name in words, and the examples."""
    lines = PAGE.read_text(encoding="utf-8").split("## How")[0].splitlines()
    cells = [line.strip("|").split("|") for line in lines if line.startswith("| ")][1:]
    return {v.strip(): (name.strip(), re.findall("`([^`]+)`", shown)) for v, name, shown in cells}


def test_the_reference_lists_the_values_that_this_test_holds_it_to() -> None:
    assert set(table_of_the_reference()) == set(TABLE)


@pytest.mark.parametrize("row", TABLE)
def test_a_value_has_the_name_that_the_reference_says(row: str) -> None:
    name, shown = table_of_the_reference()[row]
    for value in TABLE[row]:
        if name.startswith("refused"):
            with pytest.raises(InvalidData):
                canonical_text(value)
        elif name == "null":
            assert canonical_text(value) is None
        else:
            found = canonical_text(value)
            assert found in (shown or ["02116"])
