"""Which start of a schedule is due. Pure: what was handled before and the time are passed in.

A start is an instant. Its id as a trigger is made of it, so that it is answered once, however
many controllers look, and however often.

- Of the starts that nobody looked at (the machine was off), the newest is due and the others are
  not: they would train on less of the same data.
- A schedule counts from the first look at it. What it would have started before is not due, and
  a schedule that was changed is a new one.
- Where a zone leaves an hour out, or repeats one, starts are those of Debian's cron. A schedule
  of fixed times (neither its minute nor its hour begins with `*`) starts at the first moment
  after the gap in place of a time inside it, and once in a repeated hour, the first time. Any
  other schedule goes by the time that passes: nothing starts in the gap, and what meets the
  expression starts both times.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from mizzen.spec.schedule import Schedule, zone_of

_LONGEST_CHANGE = timedelta(hours=25)  # of a zone's time; islands crossed the date line
_NONE, _MINUTE = timedelta(0), timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Handled:
    """Up to when the starts of a schedule, as it was then, were answered."""

    cron: str
    zone: str
    until: datetime

    @classmethod
    def of(cls, schedule: Schedule, until: datetime) -> Handled:
        """As it is now."""
        return cls(schedule.cron, schedule.zone, until)

    def is_of(self, schedule: Schedule) -> bool:
        """Whether the schedule is still the same."""
        return (self.cron, self.zone) == (schedule.cron, schedule.zone)


@dataclass(frozen=True, slots=True)
class Look:
    """What is to be done about a schedule at one moment.

    `due`: the start that is to be answered now, in UTC. `upcoming`: the first start after now;
    None where there is none within 50 years. `handled`: what is known from now on, before the due
    start is answered.
    """

    due: datetime | None
    upcoming: datetime | None
    handled: Handled


def look(schedule: Schedule, handled: Handled | None, now: datetime) -> Look:
    """What a schedule asks for at `now`.

    Args:
        handled: what the look before left; None before the first one.
        now: an instant. One before `handled.until` finds nothing due.
    """
    upcoming = next_start(schedule, now)
    if handled is None or not handled.is_of(schedule):
        return Look(None, upcoming, Handled.of(schedule, now))
    newest = newest_start(schedule, now)
    due = newest if newest is not None and newest > handled.until else None
    return Look(due, upcoming, handled)


def trigger_id(start: datetime) -> str:
    """The id of a start, as in `schedule-2026-11-30T02:00:00Z`."""
    return f"schedule-{start.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def next_start(schedule: Schedule, after: datetime) -> datetime | None:
    """The first start after an instant, in UTC; None where there is none within 50 years."""
    return next(starts(schedule, after), None)


def starts(schedule: Schedule, after: datetime) -> Iterator[datetime]:
    """The starts after an instant, in UTC, each once, oldest first."""
    for start in _walk(schedule, after - _margin(schedule, after)):
        if start > after:
            yield start
            after = start


def newest_start(schedule: Schedule, until: datetime) -> datetime | None:
    """The last start up to an instant, in UTC; None where there is none within 50 years."""
    begin = until + _MINUTE + _margin(schedule, until)
    back = _walk(schedule, begin, reverse=True)
    return next((start for start in back if start <= until), None)


def _margin(schedule: Schedule, moment: datetime) -> timedelta:
    """How far away from a moment to begin: where the zone changes its time, a local time is read
    as the first of two, or as one that is not there."""
    zone = zone_of(schedule.zone)
    near = (moment - _LONGEST_CHANGE, moment, moment + _LONGEST_CHANGE)
    offsets = {each.astimezone(zone).utcoffset() for each in near}
    return _NONE if len(offsets) == 1 else _LONGEST_CHANGE


def _walk(schedule: Schedule, begin: datetime, reverse: bool = False) -> Iterator[datetime]:
    from cronsim import CronSim

    local = begin.astimezone(zone_of(schedule.zone))
    return (start.astimezone(UTC) for start in CronSim(schedule.cron, local, reverse=reverse))
