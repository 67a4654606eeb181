"""Online and offline agree about corrections, withdrawals, late arrivals, pushes and replays."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mizzen.adapters.feast.definitions import INSTANTS
from mizzen.adapters.feast.history import stored_form
from mizzen.adapters.feast.join import join
from mizzen.adapters.feast.loading import Stored, changes
from mizzen.adapters.feast.source import FeastSource
from mizzen.core.place import Place
from mizzen_tests.soak import examples

from .conftest import hour, times, view

Open = Callable[[Place], FeastSource]
Row = tuple[str, int, int]  # key, hour, value
KEYS = ["a", "b", "c"]


def history(rows: list[Row]) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "port": pd.Series([key for key, _, _ in rows], dtype=object),
            "event_timestamp": times(*[at for _, at, _ in rows]) if rows else times(),
            "ships": pd.Series([float(value) for _, _, value in rows], dtype=float),
            "mood": pd.Series([str(value) for _, _, value in rows], dtype=object),
        }
    )


def asked(at: int) -> tuple[dict[str, list[str]], list[Any]]:
    return {"port": KEYS}, [hour(at)] * len(KEYS)


def offline(rows: list[Row], at: int) -> list[float | None]:
    frame = pd.DataFrame({"port": KEYS, "at": times(*[at] * len(KEYS))})
    found = join(frame, "at", [long()], {"traffic": history(rows)})
    return [None if pd.isna(value) else value for value in found["ships"]]


def long() -> Any:
    return view(ttl="100d")


def test_a_value_that_was_withdrawn_from_the_history_goes_online_too(source: FeastSource) -> None:
    rows: list[Row] = [("a", 1, 2), ("a", 2, 3)]
    source.apply([long()], {"traffic": history(rows)})
    source.materialize([long()], hour(5))
    assert source.online([long()], *asked(5))["ships"] == [3.0, None, None]
    source.apply([long()], {"traffic": history(rows[:1])})
    source.materialize([long()], hour(5))
    assert source.online([long()], *asked(5))["ships"] == [2.0, None, None] == offline(rows[:1], 5)
    source.apply([long()], {"traffic": history([("b", 1, 1)])})
    source.materialize([long()], hour(5))
    assert source.online([long()], *asked(5))["ships"] == [None, 1.0, None]


def test_a_pushed_value_stays_until_the_history_reaches_its_instant(source: FeastSource) -> None:
    source.apply([long()], {"traffic": history([("a", 1, 1), ("b", 2, 2)])})
    source.materialize([long()], hour(9))
    source.push(long(), history([("a", 3, 30), ("c", 4, 40)]))
    source.materialize([long()], hour(9))
    assert source.online([long()], *asked(9))["ships"] == [30, 2, 40]
    source.apply([long()], {"traffic": history([("a", 1, 1), ("b", 3.5, 5)])})
    source.materialize([long()], hour(9))
    assert source.online([long()], *asked(9))["ships"] == [1, 5, 40]


def test_an_entity_first_seen_in_a_replayed_window_is_known_in_it(source: FeastSource) -> None:
    rows: list[Row] = [("a", 1, 1), ("b", 4, 4), ("a", 6, 6), ("b", 7, 7)]
    source.apply([long()], {"traffic": history(rows)})
    source.materialize([long()], hour(9))
    source.materialize([long()], hour(2), rewind=True)
    assert source.online([long()], *asked(2))["ships"] == [1, None, None] == offline(rows, 2)
    source.push(long(), history([("b", 4, 4)]))
    assert source.online([long()], *asked(5))["ships"] == [1, 4, None] == offline(rows, 5)
    source.materialize([long()], hour(9))
    assert source.online([long()], *asked(9))["ships"] == [6, 7, None] == offline(rows, 9)


facts = st.lists(
    st.tuples(st.sampled_from(KEYS), st.integers(0, 9), st.integers(0, 99)), max_size=8
)
step = st.one_of(
    st.tuples(st.just("history"), facts),  # a correction, a withdrawal, a late arrival
    st.tuples(st.just("push"), facts),
    st.tuples(st.just("load"), st.integers(0, 9)),
    st.tuples(st.just("rewind"), st.integers(0, 9)),
)


class Truth:
    """What is known, by the rule: up to the history's last instant the history, then pushes."""

    def __init__(self) -> None:
        self.history: list[Row] = []
        self.pushed: list[Row] = []

    def rows(self, until: int) -> list[Row]:
        reached = max((at for _, at, _ in self.history), default=-1)
        later = [row for row in self.pushed if row[1] > min(until, reached)]
        return [row for row in self.history if row[1] <= until] + later


@pytest.mark.soak
@settings(max_examples=examples(60, 5000), deadline=None)
@given(st.lists(step, min_size=1, max_size=8), facts, st.integers(0, 9))
def test_after_any_corrections_a_load_agrees_with_the_join(
    steps: list[tuple[str, Any]], last: list[Row], until: int
) -> None:
    online: dict[tuple[str, ...], tuple[Stored, float]] = {}
    truth = Truth()
    for what, given_rows in [*steps, ("history", last), ("load", until)]:
        if what == "history":
            truth.history = given_rows
        elif what == "push":
            push(online, given_rows)
        else:
            load(online, truth.history, given_rows, what == "rewind")
    reached = max((at for _, at, _ in truth.history), default=-1)
    for key in KEYS:
        there = online.get((key,))
        moment = max(until, there[0].at // HOUR if there else 0)
        expected = offline(truth.history, moment)[KEYS.index(key)]
        if there is not None and not there[0].loaded:
            assert there[0].at // HOUR > min(until, reached)  # only what history does not reach
        else:
            assert (None if there is None else there[1]) == expected


HOUR, START = 3_600_000_000, 1_700_006_400_000_000


def load(online: dict[Any, Any], rows: list[Row], until: int, rewind: bool) -> None:
    columns = stored_form(long(), history(rows))
    columns[INSTANTS] = columns[INSTANTS] - START
    stored = {key: there for key, (there, _) in online.items()}
    found = changes(long(), columns, until * HOUR, stored, rewind)
    for key in found.remove:
        del online[key]
    for key, position in found.write.items():
        at = int(columns[INSTANTS][position])
        online[key] = (Stored(at, True), float(columns["ships"][position]))


def push(online: dict[Any, Any], rows: list[Row]) -> None:
    for key, at, value in sorted(rows, key=lambda row: row[1]):
        there = online.get((key,))
        if there is None or at * HOUR >= there[0].at:
            online[(key,)] = (Stored(at * HOUR, False), float(value))


@pytest.mark.soak
@settings(max_examples=examples(4, 300), deadline=None)
@given(facts, facts, st.integers(0, 9))
def test_both_stores_hold_what_the_join_gives_at_the_same_instant(
    first: list[Row], second: list[Row], until: int
) -> None:
    from mizzen.spec.profile import Profile

    profile = Profile.model_validate({"apiVersion": "mizzen.dev/v1", "kind": "Profile"})
    with tempfile.TemporaryDirectory() as folder:
        source = FeastSource(Place("ports-of-call", Path(folder), profile))
        for rows in (first, second):
            source.apply([long()], {"traffic": history(rows)})
            source.materialize([long()], hour(until))
            assert source.online([long()], *asked(until))["ships"] == offline(rows, until)
