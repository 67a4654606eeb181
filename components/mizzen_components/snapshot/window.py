"""The part of the rows that a run uses: half open on the event time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from mizzen.errors import InvalidData

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True)
class Window:
    """[start, end); None is unbounded."""

    start: datetime | None
    end: datetime | None

    @classmethod
    def of(cls, start: str, end: str) -> Window:
        """From ISO instants with zone; "" is unbounded.

        Raises:
            InvalidData: no instant, no zone, or an end that is not after the start.
        """
        window = cls(_instant("start", start), _instant("end", end))
        if window.start and window.end and window.end <= window.start:
            raise InvalidData(
                "the window ends before it starts", given=window, next_step="swap start and end"
            )
        return window

    def __str__(self) -> str:
        first = self.start.isoformat() if self.start else "the first row"
        last = f"before {self.end.isoformat()}" if self.end else "the last row"
        return f"from {first} to {last}"


def cut(rows: pd.DataFrame, event_time: str | None, window: Window, now: datetime) -> pd.DataFrame:
    """The rows of the window.

    Raises:
        InvalidData: no row, a window without event times, or a row later than `now`.
    """
    if len(rows) == 0:
        raise InvalidData("the table of rows is empty", next_step="fix the source")
    if event_time is None:
        if window != Window(None, None):
            raise InvalidData(
                "a window needs event times",
                given=window,
                next_step="name the column in data.event_time, or run without start and end",
            )
        return rows
    times = rows[event_time]
    kept = rows[_inside(times, window)]
    if len(kept) == 0:
        raise InvalidData(
            "no row lies in the window",
            given=window,
            allowed=f"a window within {times.min().isoformat()} to {times.max().isoformat()}",
            next_step="choose another start or end",
        )
    _check_past(kept[event_time], now)
    return kept


def _inside(times: pd.Series[pd.Timestamp], window: Window) -> pd.Series[bool]:
    inside = times.notna()
    if window.start is not None:
        inside &= times >= window.start
    if window.end is not None:
        inside &= times < window.end
    return inside


def _check_past(times: pd.Series[pd.Timestamp], now: datetime) -> None:
    ahead = times[times > now]
    if len(ahead):
        raise InvalidData(
            f"event times in the future: {len(ahead)} rows",
            given=f"column {times.name!r} up to {ahead.max().isoformat()}",
            allowed=f"instants up to now, {now.isoformat(timespec='seconds')}",
            next_step="fix the column (a wrong zone or unit?), or end the window earlier",
        )


def _instant(name: str, text: str) -> datetime | None:
    if not text:
        return None
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        instant = None
    if instant is None or instant.tzinfo is None:
        raise InvalidData(
            f"{name} is no instant with a zone",
            given=text,
            allowed="ISO 8601 with an offset, such as 2024-03-01T00:00:00Z",
            next_step=f"add the offset: {text}Z" if instant else "write it so",
        )
    return instant
