"""Training and held-out rows, so that the held-out ones are what the model will meet.

By time: the last `test` of the time whose labels are complete is held out, and training sees
only rows whose labels were complete when it began. By key: a hash of the key decides, for ever,
in any order of rows.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import TypeAdapter

from mizzen.core.canonical import canonical_text
from mizzen.errors import InvalidData
from mizzen.spec.data import Data, Label
from mizzen.spec.duration import to_timedelta
from mizzen.spec.training import SplitByKey, SplitByTime
from mizzen_components.preprocess.complete import CompleteRows, known_at

if TYPE_CHECKING:
    import pandas as pd

_UNITS = {"s": "s", "m": "min", "h": "h", "d": "D"}


@dataclass(frozen=True, slots=True)
class Sides:
    """Both sides in the order of the rows; `withheld` rows are on neither."""

    train: pd.DataFrame
    test: pd.DataFrame
    withheld: int = 0


def divide(
    complete: CompleteRows, data: Data, label: Label, split: dict[str, Any], end: str
) -> Sides:
    """Divide rows with complete labels as the project says.

    Raises:
        InvalidData: a side would be empty, or a grouping column is missing.
    """
    described: SplitByTime | SplitByKey = TypeAdapter(SplitByTime | SplitByKey).validate_python(
        split
    )
    if isinstance(described, SplitByTime):
        return _by_time(complete, data, label, described.test, end)
    return _by_key(complete.rows, described.group or data.key, described.test)


def split_instant(times: pd.Series[Any], test: str, end: pd.Timestamp | None) -> pd.Timestamp:
    """The first instant of the held-out part: `test` before the end of complete labels.

    Without `end` the part ends at the next whole unit of `test` after the last event (UTC),
    so that rows that come later the same day do not move the split.
    """
    import pandas as pd

    if end is not None:
        return end - to_timedelta(test)
    after: pd.Timestamp = times.max() + pd.Timedelta(microseconds=1)
    return after.ceil(_UNITS[test[-1]]) - to_timedelta(test)


def _by_time(complete: CompleteRows, data: Data, label: Label, test: str, end: str) -> Sides:
    rows = complete.rows
    if data.event_time is None or len(rows) == 0:
        raise InvalidData(
            "rows cannot be divided by time",
            given=f"event time: {data.event_time}, labelled rows: {len(rows)}, {complete}",
            next_step="name data.event_time, or widen the window",
        )
    times = rows[data.event_time]
    instant = split_instant(times, test, complete.end if end else None)
    before, known = times < instant, known_at(rows, times, label) <= instant
    seen = before & known & (times + complete.delay <= instant)
    sides = Sides(rows[seen], rows[~before], int((before & ~seen).sum()))
    _check_sides(
        sides,
        given=f"split at {instant.isoformat()}, events from {times.min().isoformat()} to "
        f"{times.max().isoformat()}, {sides.withheld} labels not complete then; {complete}",
        next_step="choose another split.test, or another start or end of the window",
    )
    return sides


def _by_key(rows: pd.DataFrame, columns: tuple[str, ...], share: float) -> Sides:
    held_out = held_out_by_key(rows, columns, share)
    sides = Sides(rows[~held_out], rows[held_out])
    _check_sides(
        sides,
        given=f"{len(rows)} labelled rows, split.test {share} by {', '.join(columns)}",
        next_step="change split.test, group by other columns, or give more rows",
    )
    return sides


def held_out_by_key(
    rows: pd.DataFrame, columns: tuple[str, ...], share: float
) -> NDArray[np.bool_]:
    """Which rows a split by these columns holds out, in any run."""
    return np.asarray(_hashes(rows, columns) < share, dtype=bool)


def _hashes(rows: pd.DataFrame, columns: tuple[str, ...]) -> pd.Series[float]:
    """A number in [0, 1) for each row, of nothing but its key; null is a value of its own."""
    import pandas as pd

    for column in columns:
        if column not in rows.columns:
            close = get_close_matches(column, list(rows.columns), n=1)
            raise InvalidData(
                f"split.group names {column!r}, which is no column of the rows",
                given=", ".join(rows.columns),
                next_step=f"did you mean {close[0]!r}?" if close else "name one of them",
            )
    keys = zip(*(rows[column].tolist() for column in columns), strict=True)
    return pd.Series([_share(key) for key in keys], index=rows.index)


def _share(key: tuple[Any, ...]) -> float:
    text = "\x1f".join(canonical_text(part) or "\0" for part in key)
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=6).digest()) / 2**48


def _check_sides(sides: Sides, given: str, next_step: str) -> None:
    for name, side in (("training", sides.train), ("test", sides.test)):
        if len(side) == 0:
            raise InvalidData(
                f"no row is left on the {name} side",
                given=given,
                allowed="labelled rows on both sides",
                next_step=next_step,
            )
