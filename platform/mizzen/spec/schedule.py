"""When a project is to be trained again by the clock: a cron expression and its time zone.

The expression is read by `cronsim`, which follows Debian's cron, also where a zone changes its
time; the zone by the standard library. What follows from them is `mizzen.core.schedule`.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, tzinfo
from typing import Annotated

from pydantic import AfterValidator, Field, StringConstraints
from pydantic_core import PydanticCustomError

from mizzen.spec.columns import Section

_ANY_DAY = datetime(2024, 1, 1, tzinfo=UTC)
# the machine's own zone, and what only some machines have: the same file would start elsewhere
# at another time
_OF_A_MACHINE = ("localtime", "Factory", "posixrules", "posix/", "right/")


def _cron(text: str) -> str:
    fields = text.split()
    if len(fields) != 5:
        count = {"count": len(fields)}
        raise PydanticCustomError("cron", "not a cron expression: not 5 fields, but {count}", count)
    expression = " ".join(fields)
    fault = _fault_of(expression)
    if fault is not None:
        raise PydanticCustomError("cron", "not a cron expression: {fault}", {"fault": fault})
    return expression


def _fault_of(expression: str) -> str | None:
    from cronsim import CronSim, CronSimError

    try:
        first = next(CronSim(expression, _ANY_DAY), None)
    except CronSimError as error:
        return str(error)[:1].lower() + str(error)[1:]
    return "no day meets it within 50 years" if first is None else None


def _zone(name: str) -> str:
    try:
        zone_of(name)
    except (ValueError, OSError, KeyError):  # a path, a folder, a name that is not there
        close = ", ".join(repr(zone) for zone in _similar(name))
        hint = {"hint": f"; did you mean {close}?" if close else ""}
        raise PydanticCustomError("zone", "not a known time zone{hint}", hint) from None
    return name


def _similar(name: str) -> Iterator[str]:
    from difflib import get_close_matches
    from zoneinfo import available_timezones

    known = sorted(zone for zone in available_timezones() if not zone.startswith(_OF_A_MACHINE))
    folded = {zone.lower(): zone for zone in known}
    # people know the city
    cities = {zone.rpartition("/")[2]: zone for zone in folded}
    for close in get_close_matches(name.lower(), [*folded, *cities], n=1):
        yield folded.get(close) or folded[cities[close]]


def zone_of(name: str) -> tzinfo:
    """The time zone of a name.

    Raises:
        ValueError, OSError, KeyError: no such zone.
    """
    from zoneinfo import ZoneInfo

    if name == "UTC":  # also without a database of zones
        return UTC
    if name.startswith(_OF_A_MACHINE):
        raise ValueError(name)
    return ZoneInfo(name)


Cron = Annotated[
    str,
    StringConstraints(max_length=200),
    AfterValidator(_cron),
    Field(
        json_schema_extra={
            "allowed": "minute, hour, day of month, month and day of week, as in `0 3 * * 1` for "
            "Mondays at 03:00"
        }
    ),
]
Zone = Annotated[
    str,
    StringConstraints(max_length=64),
    AfterValidator(_zone),
    Field(
        json_schema_extra={
            "allowed": "a name of the IANA database of time zones, as in Europe/Berlin, or UTC"
        }
    ),
]


class Schedule(Section):
    """By which clock retrainings start; see docs/how-to/retrain-on-a-schedule.md."""

    cron: Cron = Field(
        description="minute, hour, day of month, month and day of week, as Debian's cron reads them"
    )
    zone: Zone = Field(default="UTC", description="in which time zone, such as Europe/Berlin")
