"""Which windows are due follows from what was looked at, whoever looked and in which order."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from mizzen.core.windows import Span, answered_at, due_at, is_due, look_interval, next_look

BEGIN = datetime(2025, 3, 1, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
LENGTH = 30 * DAY
hours = st.integers(0, 5000)
looks = st.lists(st.tuples(hours, st.booleans()), unique_by=lambda look: look[0], max_size=40)


def spans(given: list[tuple[int, bool]]) -> list[Span]:
    """A look at each of these hours, back over one length."""
    ends = [(BEGIN + hour * HOUR, judged) for hour, judged in given]
    return [Span(end - LENGTH, end, judged) for end, judged in ends]


@settings(deadline=None)
@given(looks, st.randoms())
def test_the_order_of_looks_does_not_matter(found: list[tuple[int, bool]], random: object) -> None:
    shuffled = spans(found)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert due_at(shuffled, LENGTH) == due_at(spans(found), LENGTH)


@settings(deadline=None)
@given(looks, hours)
def test_neither_a_look_between_nor_one_that_judged_nothing_postpones_a_window(
    found: list[tuple[int, bool]], hour: int
) -> None:
    known = spans(found)
    due, end = due_at(known, LENGTH), BEGIN + hour * HOUR
    assert due_at([*known, Span(end - LENGTH, end, judged=False)], LENGTH) == due
    newest = max((span.end for span in known if span.judged), default=None)
    if due is not None and newest is not None and newest < end < due:
        assert due_at([*known, Span(end - LENGTH, end)], LENGTH) == due


@settings(deadline=None)
@given(looks, hours)
def test_a_due_window_that_was_judged_is_due_again_a_length_later(
    found: list[tuple[int, bool]], hour: int
) -> None:
    known = spans(found)
    now = max([BEGIN + hour * HOUR, *(span.end + HOUR for span in known)])
    if is_due(known, LENGTH, now):
        assert due_at([*known, Span(now - LENGTH, now)], LENGTH) == now + LENGTH
        assert due_at([*known, Span(None, now)], LENGTH) == now + LENGTH


@settings(deadline=None)
@given(st.lists(hours, min_size=1, unique=True), st.integers(1, 40))
def test_whoever_looks_whenever_one_is_due_judges_each_length_once(
    asked: list[int], days: int
) -> None:
    known: list[Span] = []
    for hour in sorted(asked):
        now = BEGIN + hour * HOUR
        if is_due(known, days * DAY, now):
            known.append(Span(now - days * DAY, now))
    ends = [span.end for span in known]
    assert ends[0] == BEGIN + min(asked) * HOUR
    assert all(late - early >= days * DAY for early, late in itertools.pairwise(ends))


@settings(deadline=None)
@given(st.one_of(st.none(), hours), st.one_of(st.none(), hours), st.integers(1, 2000))
def test_the_next_look_is_neither_late_for_a_window_nor_too_soon(
    due: int | None, looked: int | None, every: int
) -> None:
    last = None if looked is None else BEGIN + looked * HOUR
    at = next_look(None if due is None else BEGIN + due * HOUR, last, every * HOUR)
    if last is None:
        assert at is None
        return
    assert at is not None
    assert last < at <= last + every * HOUR
    if due is not None and looked is not None and due > looked:
        assert at <= BEGIN + due * HOUR


def test_a_log_is_looked_at_between_five_minutes_and_a_day() -> None:
    assert look_interval(HOUR) == timedelta(minutes=5)
    assert look_interval(90 * DAY, DAY) == HOUR
    assert look_interval(90 * DAY) == DAY


def test_an_alarm_of_the_past_is_answered_as_of_its_window() -> None:
    end = BEGIN + 60 * DAY
    assert answered_at(end, LENGTH, end + DAY) == end + DAY
    assert answered_at(end, LENGTH, end - DAY) == end
    assert answered_at(end, LENGTH, end + 365 * DAY) == end
