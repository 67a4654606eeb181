"""Serving encodes a row exactly as training encoded its table."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mizzen.core.encoding import CategoryColumn, Encoder, NumberColumn, fit_number
from mizzen_serving.rowencoding import RowEncoder
from mizzen_tests.soak import examples

NAMES = (CategoryColumn("c", ("1", "x", "ä")), CategoryColumn("d", ()))
ENCODER = Encoder(
    (NumberColumn("a", 3.7, 0.3, True), NumberColumn("b", -1e6, 1e3, False)),
    NAMES,
)
finite = st.floats(allow_nan=False, allow_infinity=False)
number = st.none() | st.booleans() | finite | st.integers(-(2**70), 2**70)
category = st.none() | st.booleans() | st.sampled_from(["1", "x", "ä", "y"]) | st.floats(0, 3)
trained = st.lists(finite, min_size=1, max_size=30).map(np.array)
rows = st.lists(st.tuples(category, number, category, number), min_size=1, max_size=8)


def both(encoder, rows):
    columns = {
        name: np.array([row[place] for row in rows], dtype=object)
        for place, name in enumerate(("c", "a", "d", "b"))
    }
    return encoder.encode(columns), RowEncoder(encoder, ("c", "a", "d", "b")).encode(rows)


def same_bits(one, other) -> bool:
    pairs = [(one.raw, other.raw), (one.numbers, other.numbers), (one.codes, other.codes)]
    return all(a.tobytes() == b.tobytes() for a, b in pairs)


@given(rows)
def test_rows_are_encoded_bit_by_bit_as_tables_are(rows) -> None:
    table, one = both(ENCODER, rows)
    assert same_bits(table, one)


@given(st.lists(st.tuples(category, number, category, number), min_size=1, max_size=3))
def test_rows_are_ordinary_only_if_nothing_in_them_is_odd(rows) -> None:
    known = CategoryColumn("c", ("1", "x", "ä")), CategoryColumn("d", ("1", "true"))
    seen = [NumberColumn(name, 0.0, 1.0, False, -5.0, 5.0) for name in "ab"]
    encoder = Encoder(tuple(seen), known)
    table, one = both(encoder, rows)
    odd = any(None in row for row in rows) or 0 in table.codes or encoder.outside(table) != {}
    assert encoder.is_ordinary(one) is not odd


@pytest.mark.soak
@settings(max_examples=examples(100, 20_000), deadline=None)
@given(trained, trained, rows)
def test_rows_are_encoded_bit_by_bit_whatever_training_saw(a, b, rows) -> None:
    encoder = Encoder((fit_number("a", a), fit_number("b", b)), NAMES)
    again = Encoder.from_json(encoder.to_json())
    table, one = both(encoder, rows)
    _, reread = both(again, rows)
    assert same_bits(table, one)
    assert same_bits(one, reread)
    assert np.isfinite(one.numbers[~np.isnan(one.raw)]).all()
