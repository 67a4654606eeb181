"""When a schedule starts a retraining: each instant once, also where a zone changes its time."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mizzen.core.schedule import Handled, look, newest_start, next_start, starts, trigger_id
from mizzen.spec.schedule import Schedule
from mizzen_tests.soak import examples

BERLIN, NEW_YORK = "Europe/Berlin", "America/New_York"
MONDAYS = Schedule(cron="0 3 * * 1", zone=BERLIN)
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)


def at(text: str, zone: str = "UTC") -> datetime:
    """An instant by the clock of a zone."""
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)


def told(schedule: Schedule, begin: str, end: str) -> list[str]:
    """The starts between two local times, as that clock shows them."""
    zone, last = ZoneInfo(schedule.zone), at(end, schedule.zone)
    found = []
    for start in starts(schedule, at(begin, schedule.zone)):
        if start > last:
            break
        found.append(f"{start.astimezone(zone):%d %H:%M %z}")
    return found


def test_a_schedule_starts_by_the_clock_of_its_zone() -> None:
    assert told(MONDAYS, "2026-11-22", "2026-12-08") == [
        "23 03:00 +0100",
        "30 03:00 +0100",
        "07 03:00 +0100",
    ]
    assert next_start(MONDAYS, at("2026-11-28")) == at("2026-11-30T02:00")
    assert next_start(Schedule(cron="0 3 * * 1"), at("2026-11-28")) == at("2026-11-30T03:00")


def test_a_start_is_known_by_its_instant_in_utc() -> None:
    assert trigger_id(at("2026-11-30T03:00", BERLIN)) == "schedule-2026-11-30T02:00:00Z"


@pytest.mark.parametrize(
    ("cron", "zone", "night", "found"),
    [
        # the hour from 02:00 to 03:00 is left out: a fixed time inside it starts at its end
        ("30 2 * * *", BERLIN, "2026-03-29", ["29 03:00 +0200"]),
        ("30 2 * * *", NEW_YORK, "2026-03-08", ["08 03:00 -0400"]),
        ("0 2-4 * * *", BERLIN, "2026-03-29", ["29 03:00 +0200", "29 04:00 +0200"]),
        ("15,45 2 * * *", NEW_YORK, "2026-03-08", ["08 03:00 -0400"]),
        # and what goes by the time that passes has no start inside it
        ("0 * * * *", BERLIN, "2026-03-29", ["29 01:00 +0100", "29 03:00 +0200", "29 04:00 +0200"]),
        ("30 */2 * * *", NEW_YORK, "2026-03-08", ["08 04:30 -0400"]),
        # the hour from 02:00 to 03:00 (01:00 to 02:00) comes twice: a fixed time starts once
        ("30 2 * * *", BERLIN, "2026-10-25", ["25 02:30 +0200"]),
        ("30 1 * * *", NEW_YORK, "2026-11-01", ["01 01:30 -0400"]),
        # and what goes by the time that passes starts both times
        ("30 */2 * * *", BERLIN, "2026-10-25", [
            "25 02:30 +0200", "25 02:30 +0100", "25 04:30 +0100"
        ]),
        ("0 * * * *", NEW_YORK, "2026-11-01", [
            "01 01:00 -0400", "01 01:00 -0500", "01 02:00 -0500", "01 03:00 -0500", "01 04:00 -0500"
        ]),
    ],
)  # fmt: skip
def test_where_a_zone_changes_its_time_starts_are_those_of_debians_cron(
    cron: str, zone: str, night: str, found: list[str]
) -> None:
    schedule = Schedule(cron=cron, zone=zone)
    assert told(schedule, f"{night}T00:59", f"{night}T04:59") == found


def test_a_start_in_a_repeated_hour_is_not_due_again_in_the_second_one() -> None:
    nightly = Schedule(cron="30 2 * * *", zone=BERLIN)
    first = at("2026-10-25T00:30")  # 02:30 summer time
    after = look(nightly, Handled.of(nightly, first), first + 45 * MINUTE)  # 02:15 winter time
    assert (after.due, after.upcoming) == (None, at("2026-10-26T01:30"))
    again = look(nightly, Handled.of(nightly, first), first + HOUR)  # 02:30 once more
    assert again.due is None
    missed = look(nightly, Handled.of(nightly, first - HOUR), first + 45 * MINUTE)
    assert missed.due == first


def test_a_schedule_is_not_retroactive() -> None:
    now = at("2026-11-30T02:00")  # a start, at the moment of the first look
    first = look(MONDAYS, None, now)
    assert (first.due, first.handled) == (None, Handled.of(MONDAYS, now))
    assert look(MONDAYS, first.handled, at("2026-12-07T01:59:59")).due is None
    assert look(MONDAYS, first.handled, at("2026-12-07T02:00")).due == at("2026-12-07T02:00")


def test_of_the_starts_that_were_missed_the_newest_is_due() -> None:
    handled = Handled.of(MONDAYS, at("2026-11-02T02:00"))
    found = look(MONDAYS, handled, at("2026-11-28T12:00"))
    assert found.due == at("2026-11-23T02:00")
    assert found.upcoming == at("2026-11-30T02:00")
    assert found.handled == handled


def test_a_changed_schedule_is_a_new_one() -> None:
    handled = Handled.of(MONDAYS, at("2026-11-02T02:00"))
    now = at("2026-11-28T12:00")
    for changed in (Schedule(cron="0 4 * * 1", zone=BERLIN), Schedule(cron="0 3 * * 1")):
        assert look(changed, handled, now).due is None
        assert look(changed, handled, now).handled == Handled.of(changed, now)


def test_a_look_at_an_earlier_time_finds_nothing_due() -> None:
    handled = Handled.of(MONDAYS, at("2026-11-28"))
    assert look(MONDAYS, handled, at("2013-10-01")).due is None
    assert look(MONDAYS, handled, at("2013-10-01")).handled == handled


def test_a_schedule_may_never_start_again() -> None:
    leap = Schedule(cron="0 0 29 2 MON#5")
    assert next_start(leap, at("2026-01-01")) == at("2028-02-29") is not None
    assert newest_start(leap, at("2026-01-01")) is not None


ZONES = (BERLIN, NEW_YORK, "UTC", "Asia/Kolkata", "Africa/Casablanca", "Antarctica/Troll")
HALF_AN_HOUR = "Australia/Lord_Howe"  # what is not promised there, the page says


@st.composite
def schedules(draw: st.DrawFn) -> Schedule:
    minutes = draw(st.sampled_from(["*/20", "7-59/13", "0", "30", "1,59", "*/7"]))
    hours = draw(st.sampled_from(["*", "*/2", "2", "1,2,3", "0-23", "3-23/5", "1-2"]))
    days = draw(st.sampled_from(["*", "SUN", "1-5", "0,6"]))
    fixed = not minutes.startswith("*") and not hours.startswith("*")
    zone = draw(st.sampled_from((*ZONES, HALF_AN_HOUR) if fixed else ZONES))
    return Schedule(cron=f"{minutes} {hours} * * {days}", zone=zone)


# the changes of 2026, and an ordinary day
MOMENTS = st.sampled_from(
    ["2026-03-29T01:00", "2026-10-25T01:00", "2026-03-08T07:00", "2026-11-01T06:00",
     "2026-04-04T15:00", "2026-10-03T15:30", "2026-02-15T02:00", "2026-03-22T02:00",
     "2026-07-01T12:00"]
).map(at)  # fmt: skip


@pytest.mark.soak
def test_starts_are_what_a_clock_on_the_wall_would_give() -> None:
    @settings(max_examples=examples(25, 5_000), deadline=None)
    @given(schedule=schedules(), moment=MOMENTS)
    def held(schedule: Schedule, moment: datetime) -> None:
        begin, end = moment - 5 * HOUR, moment + 5 * HOUR
        expected = sorted(set(by_the_wall(schedule, begin, end)))
        found = []
        for start in starts(schedule, begin):
            if start > end:
                break
            found.append(start)
        assert found == expected
        for one in expected[:: len(expected) // 5 + 1]:
            assert newest_start(schedule, one) == one
            assert newest_start(schedule, one + timedelta(microseconds=1)) == one
            assert next_start(schedule, one - timedelta(microseconds=1)) == one

    held()


def by_the_wall(schedule: Schedule, begin: datetime, end: datetime) -> Iterator[datetime]:
    """Every start between two instants, minute by minute, without the library."""
    minute, hour, _, _, day = schedule.cron.split()
    zone = ZoneInfo(schedule.zone)
    accepted = (numbers(minute, 60), numbers(hour, 24), numbers(day, 7))
    if minute.startswith("*") or hour.startswith("*") or schedule.zone == "UTC":
        for moment in minutes(begin, end):
            if meets(moment.astimezone(zone), accepted):
                yield moment
        return
    wall = begin.astimezone(zone).replace(tzinfo=None)
    found: datetime | None
    for local in minutes(wall - 3 * HOUR, wall + (end - begin) + 3 * HOUR):
        if not meets(local, accepted):
            continue
        shown = local
        while (found := on_a_wall(shown, zone)) is None:
            shown += MINUTE
        if begin < found <= end:
            yield found


def on_a_wall(local: datetime, zone: ZoneInfo) -> datetime | None:
    """When a clock shows this time, the first time; None inside a gap: it comes back as another."""
    moment = local.replace(tzinfo=zone, fold=0).astimezone(UTC)
    return moment if moment.astimezone(zone).replace(tzinfo=None) == local else None


def minutes(begin: datetime, end: datetime) -> Iterator[datetime]:
    moment = begin.replace(second=0, microsecond=0) + MINUTE
    while moment <= end:
        yield moment
        moment += MINUTE


def meets(local: datetime, accepted: tuple[set[int], set[int], set[int]]) -> bool:
    found = (local.minute, local.hour, (local.weekday() + 1) % 7)
    return all(value in allowed for value, allowed in zip(found, accepted, strict=True))


def numbers(field: str, size: int) -> set[int]:
    found: set[int] = set()
    for part in field.replace("SUN", "0").split(","):
        span, _, step = part.partition("/")
        low, _, high = span.partition("-")
        first, last = (0, size - 1) if span == "*" else (int(low), int(high or low))
        found |= set(range(first, last + 1, int(step or 1)))
    return found


@pytest.mark.soak
def test_whatever_the_looks_each_start_is_due_once_at_most_and_none_before_the_first() -> None:
    steps = st.lists(
        st.tuples(
            st.timedeltas(timedelta(0), timedelta(days=9)),
            st.sampled_from(["look", "look twice", "back", "changed"]),
        ),
        max_size=30,
    )

    @settings(max_examples=examples(30, 20_000), deadline=None)
    @given(first=schedules(), second=schedules(), begin=MOMENTS, steps=steps)
    def held(first: Schedule, second: Schedule, begin: datetime, steps: list) -> None:  # type: ignore[type-arg]
        now, schedule, introduced = begin, first, begin
        handled = look(schedule, None, begin).handled
        answered: list[datetime] = []
        for pause, kind in steps:
            now += pause
            if kind == "changed":
                schedule = second if schedule == first else first
                introduced = now if not handled.is_of(schedule) else introduced
            for moment in (now, now) if kind == "look twice" else (now,):
                seen = moment - timedelta(days=30) if kind == "back" else moment
                found = look(schedule, handled, seen)
                handled = found.handled
                if found.due is None:
                    continue
                assert introduced < found.due <= seen
                assert found.due not in answered or found.due < introduced
                assert next_start(schedule, found.due) == found.upcoming  # the newest
                answered.append(found.due)
                handled = Handled.of(schedule, found.due)
        assert answered == sorted(set(answered))

    held()
