"""Which windows of drift are due, and when somebody looks next. Pure: instants are passed in."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

_LOOKS = 24  # in the length of a window: what comes late, and labels, change verdicts
_SOONEST, _LATEST = timedelta(minutes=5), timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Span:
    """A window that somebody looked at, half open. `start`: None where it is unbounded.
    `judged`: whether there was enough to say anything."""

    start: datetime | None
    end: datetime
    judged: bool = True


class EventTimes(Protocol):
    """The event times of what was logged."""

    @property
    def first(self) -> datetime | None:
        """The earliest; None where nothing was logged."""

    def last_before(self, end: datetime) -> datetime | None:
        """The latest before an instant; None where nothing was logged before it."""


def due_at(windows: Iterable[Span], length: timedelta) -> datetime | None:
    """When the next window is due: a length after the last judged one ended; None before the
    first, which is due at once.

    A look between, which overlaps the window judged before it, postpones nothing.
    """
    mark = None
    for window in sorted(windows, key=lambda window: window.end):
        if window.judged and (mark is None or window.start is None or window.start >= mark):
            mark = window.end
    return None if mark is None else mark + length


def is_due(windows: Iterable[Span], length: timedelta, now: datetime) -> bool:
    """Whether a window is due at `now`; see `due_at`."""
    due = due_at(windows, length)
    return due is None or now >= due


def next_look(due: datetime | None, looked: datetime | None, every: timedelta) -> datetime | None:
    """When to look at the log again; None: at once.

    Args:
        due: see `due_at`. A window that was due at the last look could not be judged then.
        looked: when somebody looked last; None where nobody did.
        every: how often, though no window is due; see `look_interval`.
    """
    if looked is None:
        return None
    again = looked + every
    return min(due, again) if due is not None and due > looked else again


def look_interval(*lengths: timedelta) -> timedelta:
    """How often a log with windows of these lengths is looked at: a part of the shortest, from
    five minutes to a day."""
    return min(max(min(lengths) / _LOOKS, _SOONEST), _LATEST)


def answered_at(end: datetime, length: timedelta, now: datetime) -> datetime:
    """The time of an alarm that is answered at `now`: the data's, where the past is replayed.

    An alarm of a window that ended more than a length ago is answered as of its end: rows of now
    would say nothing about it.
    """
    return end if now - end > length else max(now, end)


def unseen(
    windows: Sequence[tuple[datetime, datetime]], times: EventTimes, length: timedelta
) -> list[tuple[datetime, datetime]]:
    """Windows, oldest first, for rows that came late into time that no window spans. Time too
    short to be judged stays unseen."""
    found: list[tuple[datetime, datetime]] = []
    mark = max((end for _, end in windows), default=None)
    while mark is not None and times.first is not None:
        last = times.last_before(mark)
        if last is None:
            break
        spanning = [start for start, end in (*windows, *found) if start <= last < end]
        if spanning:
            mark = min(spanning)
            continue
        later = [start for start, _ in (*windows, *found) if start > last]
        end = min(later)
        end -= length * ((end - last - timedelta(microseconds=1)) // length)
        mark = end - length
        if end - max(mark, times.first) >= length / 2:
            found.append((mark, end))
    return found[::-1]
