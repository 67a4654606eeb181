"""A schedule's start and a stored request are answered once, whoever looks, and how often."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from mizzen.control.monitoring import retrain as retraining
from mizzen.control.monitoring import triggers
from mizzen.control.monitoring.retrain import RetrainResult
from mizzen.control.monitoring.triggers import answer_requests, answer_schedules
from mizzen.control.workspace import Workspace, open_workspace
from mizzen.core.runs import RunState
from mizzen.errors import Conflict, UserError
from mizzen.project import Project
from mizzen.state.records import RunRecord, ScheduleRecord
from mizzen_tests.driving import change_run, driving

DAY = timedelta(days=1)
SUNDAY = datetime(2025, 6, 1, 12, tzinfo=UTC)
MONDAY = datetime(2025, 6, 2, 1, tzinfo=UTC)  # 03:00 in Berlin
Answer = Callable[..., list[RetrainResult]]


def described(workspace: Workspace, retraining: str) -> Workspace:
    """The project with another `retraining` section."""
    file = workspace.folder / "mizzen.yaml"
    head = file.read_text().partition("\nretraining:")[0]  # the last section
    file.write_text(f"{head}\nretraining: {retraining}\n")
    return open_workspace(workspace.folder)


@pytest.fixture
def weekly(workspace: Workspace) -> Workspace:
    """A project that is retrained on Mondays at 03:00 in Berlin, and on merges."""
    return described(
        workspace,
        '{triggers: [schedule, merge], cooldown: 1d, schedule: {cron: "0 3 * * 1", '
        "zone: Europe/Berlin}}",
    )


@pytest.fixture
def going(weekly: Workspace, monkeypatch: pytest.MonkeyPatch) -> Callable[[], int]:
    """Lets the runs that follow a decision be written down and not begin; counts those."""
    made: list[str] = []
    lock = threading.Lock()

    def prepared(workspace: Workspace, request: Any, now: datetime) -> Any:
        with lock:
            made.append(f"run-{len(made)}")
            name = made[-1]
        run = RunRecord(
            name, "shop", "training", name, RunState.RUNNING, request.trigger, {}, "0", "0",
            str(workspace.folder / name), now,
        )  # fmt: skip
        workspace.state.runs.add(run, "here")
        driving(workspace.state, name)

        def withdraw() -> None:
            change_run(workspace.state, name, state=RunState.CANCELLED)

        return SimpleNamespace(run=run, withdraw=withdraw)

    monkeypatch.setattr(retraining, "prepare", prepared)
    monkeypatch.setattr(retraining, "execute", lambda ready, _: ready.run)
    runs = weekly.state.runs

    def count() -> int:
        return sum(not run.state.ended for run in runs.newest_first("shop"))

    return count


def end_runs(workspace: Workspace) -> None:
    for run in workspace.state.runs.newest_first("shop"):
        if not run.state.ended:
            change_run(workspace.state, run.id, state=RunState.SUCCEEDED)


def decisions(workspace: Workspace) -> list[tuple[str, bool, str]]:
    kept = workspace.state.monitoring.all_decisions("shop")
    return [(d.trigger_id, d.go, d.rule) for d in kept]


def test_a_schedule_starts_a_retraining_at_its_times_and_once_each(
    weekly: Workspace, going: Callable[[], int]
) -> None:
    assert answer_schedules(weekly, SUNDAY) == []  # the schedule is new
    assert answer_schedules(weekly, MONDAY - timedelta(seconds=1)) == []
    (answer,) = answer_schedules(weekly, MONDAY + timedelta(seconds=40))
    assert (answer.decision.trigger_id, answer.decision.go) == (
        "schedule-2025-06-02T01:00:00Z",
        True,
    )
    assert answer.decision.at == MONDAY  # the start's own time, not the look's
    assert answer_schedules(weekly, MONDAY + timedelta(minutes=1)) == []
    assert going() == 1
    again = open_workspace(weekly.folder)  # nothing is remembered outside the state
    assert answer_schedules(again, MONDAY + timedelta(minutes=2)) == []
    end_runs(weekly)
    assert len(answer_schedules(again, MONDAY + 7 * DAY)) == 1


def test_a_start_while_a_run_is_going_is_refused_and_not_caught_up(
    weekly: Workspace, going: Callable[[], int]
) -> None:
    answer_schedules(weekly, SUNDAY)
    answer_schedules(weekly, MONDAY)
    refused = answer_schedules(weekly, MONDAY + 7 * DAY)
    assert [(a.decision.go, a.decision.rule, a.run) for a in refused] == [(False, "running", None)]
    end_runs(weekly)
    assert answer_schedules(weekly, MONDAY + 8 * DAY) == []
    assert [rule for _, _, rule in decisions(weekly)] == ["allowed", "running"]


def test_after_a_machine_was_off_one_start_is_made_up_for(
    weekly: Workspace, going: Callable[[], int]
) -> None:
    answer_schedules(weekly, SUNDAY)
    (answer,) = answer_schedules(weekly, MONDAY + 30 * DAY)
    assert answer.decision.at == MONDAY + 28 * DAY
    assert answer_schedules(weekly, MONDAY + 30 * DAY) == []
    assert going() == 1


def test_a_schedule_that_was_changed_or_came_back_starts_nothing_of_before(
    weekly: Workspace, going: Callable[[], int]
) -> None:
    answer_schedules(weekly, SUNDAY)
    daily = described(
        weekly, '{triggers: [schedule], schedule: {cron: "0 3 * * *", zone: Europe/Berlin}}'
    )
    assert answer_schedules(daily, MONDAY + 3 * DAY + timedelta(hours=1)) == []
    without = described(weekly, "{triggers: [schedule]}")
    assert answer_schedules(without, MONDAY + 20 * DAY) == []
    assert weekly.state.triggers.schedule("shop") is None
    assert answer_schedules(daily, MONDAY + 20 * DAY) == []
    assert going() == 0
    assert len(answer_schedules(daily, MONDAY + 21 * DAY)) == 1


def test_a_kill_after_the_decision_starts_no_second_run(
    weekly: Workspace, going: Callable[[], int]
) -> None:
    answer_schedules(weekly, SUNDAY)
    answer_schedules(weekly, MONDAY)
    record = weekly.state.triggers.schedule("shop")
    assert record == ScheduleRecord("shop", "0 3 * * 1", "Europe/Berlin", SUNDAY)
    end_runs(weekly)
    assert answer_schedules(weekly, MONDAY + DAY) == []
    assert weekly.state.triggers.schedule("shop") == replace(record, since=MONDAY)
    assert len(decisions(weekly)) == 1


def answer_at_once(workspace: Workspace, answer: Answer, now: datetime) -> None:
    """Eight controllers, each with a state of its own, all begun together."""
    barrier = threading.Barrier(8)

    def call(_: int) -> None:
        own = open_workspace(workspace.folder)
        barrier.wait()
        answer(own, now)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(call, range(8)))


def test_of_controllers_that_look_at_once_one_answers_a_start(
    weekly: Workspace, going: Callable[[], int]
) -> None:
    answer_schedules(weekly, SUNDAY)
    answer_at_once(weekly, answer_schedules, MONDAY)
    assert decisions(weekly) == [("schedule-2025-06-02T01:00:00Z", True, "allowed")]
    assert going() == 1
    answer_at_once(weekly, answer_schedules, MONDAY + 7 * DAY)
    assert decisions(weekly)[1:] == [("schedule-2025-06-09T01:00:00Z", False, "running")]


def test_of_controllers_that_look_at_once_one_answers_a_request(
    weekly: Workspace, going: Callable[[], int]
) -> None:
    project = Project(weekly)
    project.request_retraining("merge", "abc")
    now = datetime.now(UTC)
    answer_at_once(weekly, answer_requests, now)
    assert decisions(weekly) == [("abc", True, "allowed")]
    project.request_retraining("data", "rows-7")
    answer_at_once(weekly, answer_requests, datetime.now(UTC))
    assert decisions(weekly)[1:] == [("rows-7", False, "cause")]
    assert going() == 1
    assert [r.state for r in project.retraining_requests()] == ["decided", "decided"]


def test_a_request_is_answered_by_the_next_round_and_keeps_its_decision(
    weekly: Workspace, going: Callable[[], int]
) -> None:
    project = Project(weekly)
    asked = project.request_retraining("merge", "abc", "merge of main")
    assert asked.state == "waiting"
    assert project.request_retraining("merge", "abc") == asked
    assert answer_requests(weekly, asked.at - DAY) == []  # a replay of before
    (answer,) = answer_requests(weekly, datetime.now(UTC))
    assert answer.run is not None
    found = project.request_retraining("merge", "abc")
    assert (found.state, found.decision) == ("decided", answer.decision)
    assert found.decision is not None
    assert found.decision.run == answer.run.id
    assert answer_requests(weekly, datetime.now(UTC)) == []
    again = project.retrain(cause="merge", key="abc")  # the very same event, in the foreground
    assert (again.decision.go, again.decision.rule) == (False, "duplicate")


def test_a_request_waits_no_more_when_its_event_was_answered_in_the_foreground(
    weekly: Workspace, going: Callable[[], int]
) -> None:
    project = Project(weekly)
    project.request_retraining("merge", "abc")
    went = project.retrain(cause="merge", key="abc")
    assert went.decision.go
    assert answer_requests(weekly, datetime.now(UTC)) == []
    assert project.retraining_requests()[0].decision == went.decision
    end_runs(weekly)
    project.request_retraining("merge", "later")
    (refused,) = answer_requests(weekly, datetime.now(UTC))
    assert refused.decision.rule == "cooldown"
    assert refused.decision.not_before is not None


def test_a_refused_event_may_be_asked_again_in_the_foreground_only(
    weekly: Workspace, going: Callable[[], int]
) -> None:
    project = Project(weekly)
    project.request_retraining("data", "abc")
    (refused,) = answer_requests(weekly, datetime.now(UTC))
    assert refused.decision.rule == "cause"
    assert answer_requests(weekly, datetime.now(UTC)) == []
    assert project.retrain(cause="person", key="abc").decision.go


def test_a_request_without_the_id_of_its_event_is_refused_unless_a_person_asks(
    weekly: Workspace,
) -> None:
    project = Project(weekly)
    with pytest.raises(UserError, match="needs the id of its event"):
        project.request_retraining("merge")
    with pytest.raises(UserError, match="not asked for by a request"):
        project.request_retraining("drift", "abc")
    first, second = project.request_retraining(), project.request_retraining()
    assert first.key != second.key
    with pytest.raises(Conflict, match="used for another request"):
        project.request_retraining("merge", first.key)


def test_a_round_answers_so_many_requests_and_the_newest_first(
    weekly: Workspace, going: Callable[[], int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(triggers, "MOST", 2)
    for key in ("a", "b", "c"):
        Project(weekly).request_retraining("merge", key)
    now = datetime.now(UTC)
    assert [a.decision.trigger_id for a in answer_requests(weekly, now)] == ["c", "b"]
    assert [a.decision.trigger_id for a in answer_requests(weekly, now)] == ["a"]
    assert [rule for _, _, rule in decisions(weekly)] == ["allowed", "running", "running"]


@pytest.mark.slow
def test_the_watch_answers_a_schedule_and_requests_and_may_train_the_first_model(
    weekly: Workspace,
) -> None:
    project = Project(weekly)
    answer_schedules(weekly, SUNDAY)
    project.request_retraining("merge", "abc")
    ticked = project.tick(until=(MONDAY + DAY).isoformat())
    assert [(a.decision.cause, a.decision.go) for a in ticked.retrained] == [("schedule", True)]
    run = ticked.retrained[0].run
    assert run is not None
    assert run.state is RunState.SUCCEEDED
    assert run.trigger == "schedule"
    assert run.arguments["end"] == "2025-06-02T01:00:00+00:00"
    assert project.retraining_requests()[0].state == "waiting"  # it was asked after that day
