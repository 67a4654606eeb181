"""What is known of a key: the words that both online stores share."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from mizzen.adapters.feast.definitions import INSTANTS
from mizzen.spec.features import FeatureView

if TYPE_CHECKING:
    from mizzen.adapters.feast.history import Columns

Key = tuple[str | None, ...]
# one value per column of the view
Values = tuple[float | str | None, ...]
# when the values became known (microseconds), and the values
KnownValues = tuple[int, Values]
EntityQuestion = tuple[FeatureView, Sequence[Key]]


def newest_rows(view: FeatureView, values: Columns) -> dict[Key, int]:
    """Key -> position of its newest row; of rows with equal times the last."""
    return dict(keys_of(view, values))


def keys_of(view: FeatureView, values: Columns) -> Iterator[tuple[Key, int]]:
    """Each row's key and position in the order of time, rows of equal times in theirs. A key with
    a null part matches nothing and is left out."""
    order = np.argsort(values[INSTANTS], kind="stable").tolist()
    keys = list(zip(*(values[column].tolist() for column in view.entity), strict=True))
    return ((keys[position], position) for position in order if None not in keys[position])
