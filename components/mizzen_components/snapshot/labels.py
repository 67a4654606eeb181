"""The label: it may be null in some rows, but there must be something to learn."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mizzen.errors import InvalidData
from mizzen.spec.data import Data, Label

if TYPE_CHECKING:
    import pandas as pd


def check_labels(rows: pd.DataFrame, data: Data, label: Label) -> None:
    """At least two different labels.

    Raises:
        InvalidData: all labels are null, or all known ones are equal.
    """
    known = rows[label.column].dropna()
    if len(known) == 0:
        raise InvalidData(
            f"the label {label.column!r} is null in every row",
            given=f"{len(rows)} rows of table {data.rows!r}",
            next_step="widen the window, or fix the source",
        )
    if known.nunique() == 1:
        raise InvalidData(
            f"the label {label.column!r} has one value only: there is nothing to learn",
            given=f"{known.iloc[0]} in all {len(known)} labelled rows",
            allowed="two values or more",
            next_step="widen the window, or fix the label",
        )
