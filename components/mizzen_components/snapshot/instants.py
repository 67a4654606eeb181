"""Columns of instants: text or timestamps with a zone, as UTC."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np

from mizzen.core.canonical import is_null
from mizzen.core.instants import read_instant
from mizzen.errors import InvalidData
from mizzen.spec.data import Data, Label
from mizzen_components.snapshot.faults import Faults

if TYPE_CHECKING:
    import pandas as pd

_NAT = np.iinfo(np.int64).min
ALLOWED = "instants with a zone, such as 2024-03-01T12:00:00Z or 2024-03-01T07:00:00-05"
_ZONED = "instants with a zone"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def absent_instants(rows: pd.DataFrame, data: Data, label: Label | None, known: Faults) -> Faults:
    """Rows without their event time, and labelled rows without the time of their label, each with
    the first row; columns of which a fault is known are not looked at."""
    needed: dict[str, tuple[pd.Series[Any], str]] = {}
    if label is not None and label.time is not None:
        times = rows[label.time][rows[label.column].notna()]
        needed[label.time] = times, "a row with a label needs its time"
    if data.event_time is not None:
        needed[data.event_time] = rows[data.event_time], "every row needs its event time"
    return {
        name: _absent(*each)
        for name, each in needed.items()
        if name not in known and each[0].isna().any()
    }


def to_instants(values: pd.Series[Any]) -> pd.Series[Any]:
    """A column as UTC timestamps in microseconds, null where it is null.

    Raises:
        InvalidData: a value is no instant, has no zone, or lies outside the years 1 to 9999.
    """
    import pandas as pd

    if isinstance(values.dtype, pd.DatetimeTZDtype):
        utc: pd.Series[Any] = values.dt.tz_convert("UTC").astype("datetime64[us, UTC]")
        return utc
    # few distinct texts, as a rule; Python reads each form of ISO 8601 at any year
    known: dict[object, int] = {}
    ticks = [
        _microseconds(value, known, str(values.name), int(values.index[row]) + 1)
        for row, value in enumerate(values.tolist())
    ]
    array = np.array([_NAT if tick is None else tick for tick in ticks], dtype="datetime64[us]")
    return pd.Series(array, index=values.index, name=values.name).dt.tz_localize("UTC")


def _microseconds(value: object, known: dict[object, int], column: str, row: int) -> int | None:
    """Since 1970; None for null."""
    if is_null(value):
        return None
    try:
        if value not in known:
            known[value] = _since_epoch(value)
        return known[value]
    except (TypeError, ValueError) as error:
        raise _no_instant(column, value, row, str(error)) from None


def _since_epoch(value: object) -> int:
    """Raises ValueError or TypeError with what is wrong."""
    try:
        instant = read_instant(value) if isinstance(value, str) else value
        if not isinstance(instant, datetime) or instant.tzinfo is None:
            raise TypeError(_ZONED)
        return (instant.astimezone(UTC) - _EPOCH) // _MICROSECOND
    except ValueError:
        raise ValueError(_ZONED) from None
    except OverflowError:
        raise ValueError("instants in the years 1 to 9999 of UTC") from None


def _absent(times: pd.Series[Any], rule: str) -> InvalidData:
    nulls = times.isna()
    first = int(nulls.idxmax()) + 1
    return InvalidData(
        f"column {times.name!r} is null: {rule}",
        given=f"{nulls.sum()} of {len(times)} rows, the first is row {first}",
        next_step="fill the instants in, or leave those rows out of the source",
    )


def _no_instant(column: str, value: object, row: int, what: str) -> InvalidData:
    return InvalidData(
        f"column {column!r} does not hold {what}",
        given=f"{value} ({type(value).__name__}) in row {row}",
        allowed=ALLOWED,
        next_step="write the offset in the file, or add the zone in a `data.source.python` "
        f"function: frame[{column!r}] = pd.to_datetime(frame[{column!r}])"
        ".dt.tz_localize('America/New_York')",
    )
