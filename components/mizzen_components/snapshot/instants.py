"""Columns of instants: text or timestamps with a zone, as UTC."""

from __future__ import annotations

import re
from datetime import datetime
from typing import TYPE_CHECKING, Any, cast

from mizzen.errors import InvalidData
from mizzen.spec.data import Data, Label

if TYPE_CHECKING:
    import pandas as pd

_ZONED = re.compile(r"(Z|[+-]\d{2}:?\d{2})$")
ALLOWED = "instants with a zone, such as 2024-03-01T12:00:00Z or 2024-03-01T07:00:00-05:00"


def with_instants(rows: pd.DataFrame, data: Data, label: Label | None) -> pd.DataFrame:
    """The rows with the event time, and the label's time, as UTC timestamps.

    Raises:
        InvalidData: no instants, instants without zone, a null event time, or a label that
            is known at an unknown time.
    """
    columns = {}
    if data.event_time is not None:
        columns[data.event_time] = to_instants(rows[data.event_time])
        _check_known(columns[data.event_time], "every row needs its event time")
    if label is not None and label.time is not None:
        times = to_instants(rows[label.time])
        _check_known(times[rows[label.column].notna()], "a row with a label needs its time")
        columns[label.time] = times
    return rows.assign(**columns)


def to_instants(values: pd.Series[Any]) -> pd.Series[Any]:
    """A column as UTC timestamps, null where it is null.

    Raises:
        InvalidData: a value is no instant or has no zone.
    """
    import pandas as pd

    if isinstance(values.dtype, pd.DatetimeTZDtype):
        utc: pd.Series[Any] = values.dt.tz_convert("UTC")
        return utc
    if values.dtype.kind == "M":
        raise _no_zone(str(values.name), values.dropna().iloc[0] if values.notna().any() else "NaT")
    known = values.dropna()
    wrong = next((value for value in known.tolist() if not _is_zoned(value)), None)
    if wrong is not None:
        raise _no_zone(str(values.name), wrong)
    parsed = pd.to_datetime(values, utc=True, format="ISO8601", errors="coerce")
    unread = known[parsed[known.index].isna()]
    if len(unread):
        raise _no_zone(str(values.name), unread.iloc[0])
    return cast("pd.Series[Any]", parsed)


def _is_zoned(value: object) -> bool:
    if isinstance(value, str):
        return _ZONED.search(value.strip()) is not None
    return isinstance(value, datetime) and value.tzinfo is not None


def _check_known(times: pd.Series[Any], rule: str) -> None:
    nulls = times.isna().to_numpy()
    if nulls.any():
        raise InvalidData(
            f"column {times.name!r} is null: {rule}",
            given=f"{nulls.sum()} of {len(times)} rows, the first at row {nulls.argmax()}",
            next_step="fill the instants in, or leave those rows out of the source",
        )


def _no_zone(column: str, value: object) -> InvalidData:
    return InvalidData(
        f"column {column!r} does not hold instants with a zone",
        given=f"{value} ({type(value).__name__})",
        allowed=ALLOWED,
        next_step="write the offset in the file, or add the zone in a `data.source.python` "
        f"function: frame[{column!r}] = pd.to_datetime(frame[{column!r}])"
        ".dt.tz_localize('America/New_York')",
    )
