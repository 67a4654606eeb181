"""Serving encodes a row exactly as training encoded its table."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from mizzen.core.encoding import CategoryColumn, Encoder, NumberColumn
from mizzen_serving.rowencoding import RowEncoder

ENCODER = Encoder(
    (NumberColumn("a", 3.7, 0.3, True), NumberColumn("b", -1e6, 1e3, False)),
    (CategoryColumn("c", ("1", "x", "ä")), CategoryColumn("d", ())),
)
number = st.none() | st.booleans() | st.floats(-1e9, 1e9) | st.integers(-(2**40), 2**40)
category = st.none() | st.booleans() | st.sampled_from(["1", "x", "ä", "y"]) | st.floats(0, 3)


@given(st.lists(st.tuples(category, number, category, number), min_size=1, max_size=8))
def test_rows_are_encoded_bit_by_bit_as_tables_are(rows) -> None:
    columns = {
        name: np.array([row[place] for row in rows], dtype=object)
        for place, name in enumerate(("c", "a", "d", "b"))
    }
    table = ENCODER.encode(columns)
    one = RowEncoder(ENCODER, ("c", "a", "d", "b")).encode(rows)
    np.testing.assert_array_equal(one.numbers, table.numbers)
    np.testing.assert_array_equal(one.codes, table.codes)
