"""Columns of names (class labels, categories, keys), as expectations mean them.

A snapshot holds their texts (docs/reference/values.md). An expectation may write a name as a
number, and may ask for the mean of a label whose classes are `0` and `1`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import TYPE_CHECKING

from mizzen.core.canonical import canonical_text
from mizzen.spec.data import Expectation

if TYPE_CHECKING:
    import pandas as pd

# they add, order or compare the values of these arguments; bounds of a text's length or of a count
# are no such thing
_ABOUT_NUMBERS = {
    "ExpectColumnMaxToBeBetween": ("column",),
    "ExpectColumnMeanToBeBetween": ("column",),
    "ExpectColumnMedianToBeBetween": ("column",),
    "ExpectColumnMinToBeBetween": ("column",),
    "ExpectColumnPairValuesAToBeGreaterThanB": ("column_A", "column_B"),
    "ExpectColumnQuantileValuesToBeBetween": ("column",),
    "ExpectColumnStdevToBeBetween": ("column",),
    "ExpectColumnSumToBeBetween": ("column",),
    "ExpectColumnValueZScoresToBeLessThan": ("column",),
    "ExpectColumnValuesToBeBetween": ("column",),
    "ExpectMulticolumnSumToEqual": ("column_list",),
}


def by_name(expectation: Expectation, frame: pd.DataFrame) -> Expectation:
    """The expectation with the names of its values where its column holds names: `[0, 1]` of a
    class label means the classes `0` and `1`."""
    column = expectation.arguments.get("column")
    values = expectation.arguments.get("value_set")
    if not isinstance(values, list) or not _holds_names(frame, column):
        return expectation
    named = {**expectation.arguments, "value_set": [canonical_text(value) for value in values]}
    return expectation.model_copy(update={"arguments": named})


def numeric_names(expectation: Expectation, frame: pd.DataFrame) -> tuple[str, ...]:
    """The columns whose names the expectation wants as numbers, where every name is one."""
    found: list[object] = []
    for argument in _ABOUT_NUMBERS.get(expectation.expect, ()):
        given = expectation.arguments.get(argument)
        found += given if isinstance(given, list) else [given]
    names = [str(name) for name in found if _holds_names(frame, name)]
    return tuple(name for name in names if _all_numbers(frame[name].dropna()))


def with_numbers(frame: pd.DataFrame, columns: Iterable[str]) -> pd.DataFrame:
    """The table with these names as numbers."""
    import pandas as pd

    return frame.assign(**{name: pd.to_numeric(frame[name]) for name in columns})


def _holds_names(frame: pd.DataFrame, column: object) -> bool:
    known = isinstance(column, str) and column in frame.columns
    return known and isinstance(next(iter(frame[str(column)].dropna()), None), str)


def _all_numbers(names: pd.Series) -> bool:
    try:
        return all(math.isfinite(float(name)) for name in names.unique())
    except ValueError:
        return False
