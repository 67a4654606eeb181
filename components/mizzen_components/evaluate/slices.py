"""Groups of held-out rows that are measured apart: the values of the project's slice columns."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from mizzen.core.canonical import canonical_text
from mizzen.errors import InvalidData

if TYPE_CHECKING:
    import pandas as pd

DISTINCT = 20  # numbers with more values than this are cut into quarters
NULL = "(null)"


@dataclass(frozen=True, slots=True)
class Slice:
    """The rows where `column` is `value`; `members` are their positions."""

    column: str
    value: str
    members: NDArray[np.int64]


def slices_of(frame: pd.DataFrame, columns: Sequence[str]) -> Iterator[Slice]:
    """Every slice of every column, largest first within a column.

    Raises:
        InvalidData: a slice column is not there.
    """
    check_slices([str(column) for column in frame.columns], columns)
    for column in columns:
        names = np.asarray(_names(frame[column]))
        values, counts = np.unique(names, return_counts=True)
        for index in np.argsort(-counts, kind="stable"):
            value = str(values[index])
            yield Slice(column, value, np.flatnonzero(names == value))


def check_slices(known: Sequence[str], columns: Sequence[str]) -> None:
    """Raises InvalidData where a slice column is not there."""
    for column in columns:
        if column not in known:
            raise InvalidData(
                f"evaluation.slices names {column!r}, which is no column of the rows",
                given=", ".join(known),
                next_step="fix evaluation.slices in mizzen.yaml",
            )


def _names(values: pd.Series[Any]) -> list[str]:
    import pandas as pd

    if pd.api.types.is_numeric_dtype(values) and values.nunique() > DISTINCT:
        return _quarters(values.to_numpy(dtype=np.float64, na_value=np.nan))
    return [_name(value) for value in values.tolist()]


def _name(value: object) -> str:
    """A slice is shown, never looked up: what has no one name is shown as it is."""
    try:
        return canonical_text(value) or NULL
    except InvalidData:
        return str(value)


def _told_apart(edges: NDArray[np.float64]) -> list[str]:
    """With as many digits as tell them apart: two quarters of one name would be one slice."""
    for digits in range(6, 17):
        shown = [f"{edge:.{digits}g}" for edge in edges]
        if len(set(shown)) == len(shown):
            return shown
    return [repr(edge) for edge in edges.tolist()]


def _quarters(values: NDArray[np.float64]) -> list[str]:
    # of halves: between very large numbers a quantile would be infinite
    finite = np.isfinite(values)
    edges = np.unique(2 * np.quantile(values[finite] / 2, [0, 0.25, 0.5, 0.75, 1]))
    names = [f"{low} to {high}" for low, high in pairwise(_told_apart(edges))]
    places = np.searchsorted(edges[1:-1], values)
    return [
        names[at] if known else _name(value)
        for at, known, value in zip(places, finite, values.tolist(), strict=True)
    ]
