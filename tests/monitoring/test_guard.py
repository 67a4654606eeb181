"""The retrain guard: rules one by one, properties of all of them, and a year in one test."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mizzen.core.guard import (
    History,
    PastDecision,
    RetrainRequest,
    Rollback,
    alarms_in_a_row,
    decide,
)
from mizzen.core.runs import RunState
from mizzen.spec.operation import Retraining

NOW = datetime(2013, 10, 1, tzinfo=UTC)
DRIFT = RetrainRequest("drift:2013-09", "drift")
DAY = timedelta(days=1)


def policy(**fields: object) -> Retraining:
    return Retraining.model_validate(fields)


def started(ago: timedelta, state: RunState = RunState.SUCCEEDED, run: str = "r1") -> PastDecision:
    """Decided in the order of its time: the longer ago, the smaller the number."""
    number = 1_000_000 - int(ago.total_seconds() / 60)
    return PastDecision(f"drift:{run}", NOW - ago, True, run, state, number)


def test_an_alarm_without_history_starts_a_run() -> None:
    decision = decide(DRIFT, History(), policy(), NOW)
    assert (decision.go, decision.rule) == (True, "allowed")


def test_the_same_trigger_starts_one_run_and_the_refusal_names_it() -> None:
    earlier = PastDecision(DRIFT.trigger_id, NOW - 300 * DAY, True, "r7", RunState.FAILED)
    decision = decide(DRIFT, History([earlier]), policy(), NOW)
    assert decision.rule == "duplicate"
    assert "r7" in decision.reason


def test_a_refused_trigger_may_ask_again() -> None:
    refused = PastDecision(DRIFT.trigger_id, NOW - DAY, False)
    assert decide(DRIFT, History([refused]), policy(), NOW).go


def test_a_cause_that_the_project_does_not_list_is_refused() -> None:
    decision = decide(replace(DRIFT, cause="schedule"), History(), policy(), NOW)
    assert decision.rule == "cause"
    assert "drift" in decision.reason


@pytest.mark.parametrize("state", [RunState.RUNNING, RunState.QUEUED])
def test_one_retraining_at_a_time(state: RunState) -> None:
    decision = decide(DRIFT, History([started(40 * DAY, state, "r9")]), policy(), NOW)
    assert decision.rule == "running"
    assert "r9" in decision.reason


def test_data_that_failed_its_expectations_is_not_learnt() -> None:
    assert decide(replace(DRIFT, data_valid=False), History(), policy(), NOW).rule == "data"


def test_failures_in_a_row_open_the_breaker_until_a_person_resets_it() -> None:
    failed = [started(n * 10 * DAY, RunState.FAILED, f"r{n}") for n in (1, 2, 3)]
    assert decide(DRIFT, History(failed), policy(), NOW).rule == "breaker"
    assert decide(DRIFT, History(failed[:2]), policy(), NOW).go
    reset = History(failed, reset=failed[0].number + 1)
    assert decide(DRIFT, reset, policy(), NOW).go


def test_a_cancelled_run_neither_opens_nor_closes_the_breaker() -> None:
    runs = [started(n * 10 * DAY, RunState.FAILED, f"r{n}") for n in (2, 3, 4)]
    cancelled = started(10 * DAY, RunState.CANCELLED, "r1")
    assert decide(DRIFT, History([*runs, cancelled]), policy(), NOW).rule == "breaker"
    succeeded = replace(cancelled, state=RunState.SUCCEEDED)
    assert decide(DRIFT, History([*runs, succeeded]), policy(), NOW).go


def test_hysteresis_waits_for_alarms_in_a_row() -> None:
    twice = policy(consecutive=2)
    assert decide(DRIFT, History(), twice, NOW).rule == "hysteresis"
    assert decide(replace(DRIFT, alarms=2), History(), twice, NOW).go
    merge = RetrainRequest("merge:abc", "merge")
    assert decide(merge, History(), policy(consecutive=2, triggers=["merge"]), NOW).go


def test_a_quiet_window_starts_the_count_anew() -> None:
    assert alarms_in_a_row([True, True, False, True]) == 1
    assert alarms_in_a_row([True, True]) == 2
    assert alarms_in_a_row([True, False]) == 0


def test_cooldown_says_when_to_come_back() -> None:
    history = History([started(timedelta(hours=20))])
    decision = decide(DRIFT, history, policy(cooldown="1d"), NOW)
    assert decision.rule == "cooldown"
    assert decision.not_before == NOW + timedelta(hours=4)
    assert decide(DRIFT, history, policy(cooldown="1d"), decision.not_before).go


def test_budget_says_when_to_come_back() -> None:
    history = History([started(n * 5 * DAY, run=f"r{n}") for n in (1, 2, 3, 4)])
    decision = decide(DRIFT, history, policy(), NOW)
    assert decision.rule == "budget"
    assert decision.not_before == NOW + 10 * DAY
    assert decide(DRIFT, history, policy(), decision.not_before).go


def test_a_person_waits_for_no_cooldown_and_no_breaker_but_never_doubles_a_run() -> None:
    person = RetrainRequest("person:1", "person")
    failed = [started(timedelta(hours=n), RunState.FAILED, f"r{n}") for n in (1, 2, 3, 4)]
    assert decide(person, History(failed), policy(), NOW).go
    running = History([*failed, started(DAY, RunState.RUNNING, "r9")])
    assert decide(person, running, policy(), NOW).rule == "running"
    assert decide(replace(person, data_valid=False), History(), policy(), NOW).rule == "data"


instants = st.integers(0, 400 * 24).map(lambda hours: NOW - timedelta(hours=hours))
past = st.builds(
    PastDecision,
    trigger_id=st.sampled_from([f"t{n}" for n in range(6)]),
    at=instants,
    go=st.booleans(),
    run_id=st.just("r"),
    state=st.sampled_from(list(RunState)),
    number=st.integers(1, 100),
)
requests = st.builds(
    RetrainRequest,
    trigger_id=st.sampled_from([f"t{n}" for n in range(8)]),
    cause=st.sampled_from(["drift", "quality", "data", "schedule", "merge", "person"]),
    alarms=st.integers(1, 4),
    data_valid=st.sampled_from([None, True, False]),
)
policies = st.builds(
    policy,
    triggers=st.sets(st.sampled_from(["drift", "quality", "merge"])).map(sorted),
    consecutive=st.integers(1, 3),
    cooldown=st.sampled_from(["1h", "1d", "20d"]),
    budget=st.builds(lambda runs: {"runs": runs, "per": "30d"}, st.integers(1, 4)),
    breaker=st.integers(1, 3),
)


@given(requests, st.lists(past, max_size=12), policies, st.randoms())
def test_no_history_lets_a_guarded_rule_be_broken(request, decisions, rules, random) -> None:  # type: ignore[no-untyped-def]
    decision = decide(request, History(decisions), rules, NOW)
    shuffled = random.sample(decisions, len(decisions))
    assert decide(request, History([p for p in shuffled if p.go]), rules, NOW).go == decision.go
    assert decision.go == (decision.rule == "allowed")
    if not decision.go:
        return
    gone = [p for p in decisions if p.go]
    assert request.trigger_id not in {p.trigger_id for p in gone}
    assert all(p.state.ended for p in gone)
    assert request.data_valid is not False
    if request.cause != "person":
        assert request.cause in rules.triggers
        times = sorted([NOW, *(p.at for p in gone)])
        here = times.index(NOW)
        for begin in range(max(0, here - rules.budget.runs), here + 1):
            over = times[begin : begin + rules.budget.runs + 1]
            if NOW in over and len(over) > rules.budget.runs:
                assert over[-1] - over[0] >= timedelta(days=30)


@given(requests, st.lists(past, max_size=12), policies)
def test_where_waiting_helps_the_time_told_is_right(request, decisions, rules) -> None:  # type: ignore[no-untyped-def]
    decision = decide(request, History(decisions), rules, NOW)
    if decision.not_before is None:
        return
    assert decision.not_before > NOW
    just_before = decision.not_before - timedelta(seconds=1)
    assert not decide(request, History(decisions), rules, just_before).go
    later = decide(request, History(decisions), rules, decision.not_before)
    assert later.rule != decision.rule


def test_an_alarm_about_another_version_than_the_champion_is_stale() -> None:
    about_3 = replace(DRIFT, version=3)
    decision = decide(about_3, History(champion=1), policy(), NOW)
    assert decision.rule == "stale"
    assert decision.reason == "the alarm judged version 3, and version 1 is the champion by now"
    assert decide(about_3, History(champion=3), policy(), NOW).go
    assert decide(about_3, History(), policy(), NOW).rule == "stale"


def test_a_rollback_freezes_retraining_by_the_wall_clock_whatever_the_datas_time() -> None:
    back = datetime(2026, 1, 1, tzinfo=UTC)
    history = History(champion=1, rollback=Rollback(1, 3, back))
    about_1 = replace(DRIFT, version=1)
    for rules, days in ((policy(), 7), (policy(freeze="2d"), 2)):
        soon, late = back + timedelta(hours=1), back + days * DAY
        decision = decide(about_1, history, rules, NOW, soon)
        assert (decision.rule, decision.not_before) == ("freeze", late)
        for told in ("version 1", "version 3", f"{late:%F}", "mizzen retrain --unfreeze"):
            assert told in decision.reason
        assert decide(about_1, history, rules, NOW, late).go
    assert decide(about_1, history, policy(freeze=None), NOW, back).go
    person = RetrainRequest("person:1", "person")
    assert decide(person, history, policy(), NOW, back).go


def test_months_that_are_replayed_in_any_order_hold_budget_and_cooldown_by_their_own_time() -> None:
    rules = policy(cooldown="5d", budget={"runs": 1, "per": "30d"})
    today = PastDecision("schedule:1", datetime(2026, 1, 1, tzinfo=UTC), True, "r", None, 1)
    today = replace(today, state=RunState.SUCCEEDED)
    assert decide(DRIFT, History([today]), rules, NOW).go  # years apart, decided later
    october = PastDecision("drift:10", NOW, True, "r2", RunState.SUCCEEDED, 2)
    history = History([today, october])
    for days, rule in ((-4, "cooldown"), (-20, "budget"), (-30, "allowed"), (29, "budget")):
        now = NOW + days * DAY
        assert decide(replace(DRIFT, trigger_id=f"{days}"), history, rules, now).rule == rule


def test_the_breaker_goes_by_the_order_of_decisions_and_not_by_the_datas_time() -> None:
    failed = [
        PastDecision(f"drift:{n}", NOW - n * 60 * DAY, True, f"r{n}", RunState.FAILED, n)
        for n in (1, 2, 3)
    ]
    assert decide(DRIFT, History(failed), policy(), NOW).rule == "breaker"
    assert decide(DRIFT, History(failed, reset=4), policy(), NOW).go
    after = PastDecision("drift:5", NOW - 300 * DAY, True, "r5", RunState.FAILED, 5)
    assert decide(DRIFT, History([*failed, after], reset=4), policy(), NOW).go
    assert decide(DRIFT, History([*failed, after], reset=4), policy(breaker=1), NOW).rule == (
        "breaker"
    )


def test_a_year_of_hourly_alarms_starts_no_more_runs_than_the_budget_allows() -> None:
    rules = policy(cooldown="2d", budget={"runs": 3, "per": "30d"})
    kept: list[PastDecision] = []
    for hour in range(365 * 24):
        now = NOW + timedelta(hours=hour)
        request = RetrainRequest(f"drift:{hour}", "drift")
        if decide(request, History(kept), rules, now).go:
            kept.append(PastDecision(request.trigger_id, now, True, f"r{hour}", RunState.SUCCEEDED))
    assert 34 <= len(kept) <= 39
    for first, fourth in zip(kept, kept[3:], strict=False):
        assert fourth.at - first.at >= timedelta(days=30)
    for one, two in pairwise(kept):
        assert two.at - one.at >= timedelta(days=2)
