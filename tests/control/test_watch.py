"""A stored alarm starts a retraining, once, if the guard allows; each answer is kept."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from tiny_plans import judged

from mizzen.cli.commands.drift import answered, failed
from mizzen.control.monitoring import alarms
from mizzen.control.monitoring.retrain import RetrainResult, ask, reset_breaker, retrain
from mizzen.control.monitoring.tick import request_of, tick
from mizzen.control.monitoring.validation import with_validation
from mizzen.control.runs.inputs import source_digest
from mizzen.control.runs.submit import PreparedRun, execute
from mizzen.control.workspace import Workspace
from mizzen.core.guard import RetrainRequest
from mizzen.core.runs import RunState, StepEvent, StepState
from mizzen.errors import Conflict, InvalidData, StepFailed, UserError
from mizzen.project import Project
from mizzen.state.author import machine_user
from mizzen.state.records import (
    DecisionRecord,
    WindowRecord,
)
from mizzen_tests.driving import change_run, driving
from mizzen_tests.shop_records import BLESSED, RUN, run

Make = Callable[..., PreparedRun]
END = datetime(2025, 6, 10, tzinfo=UTC)


def alarm(workspace: Workspace, version: int, end: datetime, *, alarmed: bool = True) -> None:
    workspace.state.projects.ensure("shop", str(workspace.folder), end)
    window = WindowRecord(
        id=f"drift:shop:{version}:{end:%Y%m%d%H}",
        project="shop",
        start=end - timedelta(days=30),
        end=end,
        version=version,
        kind="drift",
        alarm=alarmed,
        figures={"rows": 1000},
        report=None,
        at=end,
    )
    workspace.state.monitoring.add_window(window)


def test_a_refusal_is_kept_with_its_reason(workspace: Workspace) -> None:
    answer = retrain(workspace, request_of("merge", "abc", END), END)
    assert answer.run is None
    kept = Project(workspace).decisions()
    assert [(d.trigger_id, d.go, d.rule) for d in kept] == [("abc", False, "cause")]
    assert "retraining.triggers" in kept[0].reason
    assert Project(workspace).runs() == []


def test_a_cause_that_is_none_is_refused() -> None:
    with pytest.raises(UserError, match="drift"):
        request_of("moon", None, END)


def test_the_breaker_is_reset_by_a_person_and_that_is_kept(workspace: Workspace) -> None:
    reset_breaker(workspace, END)
    kept = Project(workspace).decisions()[0]
    assert (kept.rule, kept.reason) == ("reset", f"{machine_user()} reset the breaker")
    assert kept.at > END


def test_the_same_window_is_stored_once(workspace: Workspace) -> None:
    alarm(workspace, 1, END)
    alarm(workspace, 1, END)
    assert len(Project(workspace).windows()) == 1


@pytest.mark.slow
def test_an_alarm_trains_on_the_newest_window_and_is_answered_once(workspace: Workspace) -> None:
    first = Project(workspace).run(end="2025-05-20").check()
    assert first.version == 1
    alarm(workspace, 1, END)

    answered = tick(workspace, END).retrained
    assert [a.decision.go for a in answered] == [True]
    run = answered[0].run
    assert run is not None
    assert run.state is RunState.SUCCEEDED
    assert run.trigger == "drift"
    assert run.arguments["end"] == "2025-06-10T00:00:00+00:00"
    assert run.arguments["start"] == "2024-12-12T00:00:00+00:00"
    assert run.champion == 1

    assert tick(workspace, END).retrained == ()
    champion = workspace.state.models.champion("shop")
    assert champion is not None
    soon = END + timedelta(hours=1)
    alarm(workspace, champion.version, soon)
    refused = tick(workspace, soon).retrained
    assert [(a.decision.go, a.decision.rule) for a in refused] == [(False, "cooldown")]
    assert workspace.state.monitoring.pending_alarms("shop") == []


def test_decisions_name_runs_that_exist(workspace: Workspace) -> None:
    promoted(workspace, 1)
    asked = ask(workspace, RetrainRequest("drift:1", "drift", version=1), END)
    assert not isinstance(asked, DecisionRecord)
    retrain(workspace, RetrainRequest("drift:2", "drift", version=1), END)
    asked[1].ownership.release()
    went, refused = Project(workspace).decisions()
    assert (went.go, went.trigger_id) == (True, "drift:1")
    assert went.run is not None
    assert workspace.state.runs.get("shop", went.run).trigger == "drift"
    assert (refused.go, refused.rule, refused.run) == (False, "running", None)


@pytest.mark.slow
def test_no_retraining_learns_from_a_snapshot_that_failed_its_validation(
    workspace: Workspace,
) -> None:
    promoted(workspace, 1)
    orders = workspace.folder / "data" / "orders.csv"
    good = orders.read_text()
    orders.write_text(good.replace(",18.81,", ",18810,", 1))  # `price` is at most 1000
    failed_run = Project(workspace).run()
    assert workspace.state.runs.get("shop", failed_run.id).state is RunState.FAILED

    for request in (
        RetrainRequest("drift:1", "drift", version=1),
        RetrainRequest("by hand", "person"),
    ):
        refused = retrain(workspace, request, END)
        assert (refused.decision.go, refused.decision.rule, refused.run) == (False, "data", None)
        assert f"the newest snapshot, of run {failed_run.id}," in refused.decision.reason
    assert [d.rule for d in Project(workspace).decisions()] == ["data", "data"]

    orders.write_text(good)
    asked = ask(workspace, RetrainRequest("drift:1", "drift", version=1), END)
    assert not isinstance(asked, DecisionRecord)
    assert asked[0].go
    asked[1].ownership.release()


def taken(workspace: Workspace, name: str, validate: StepState | None, **fields: Any) -> None:
    """A training run whose snapshot was validated with this end, of the source as it is."""
    known = len(workspace.state.runs.newest_first("shop"))
    arguments = {"source_digest": source_digest(workspace)}
    at = END + timedelta(minutes=known)
    record = run(name, state=RunState.FAILED, arguments=arguments, created_at=at)
    workspace.state.runs.add(record, str(workspace.folder))
    if validate is not None:
        event = StepEvent(name, "validate", validate, at, **fields)
        workspace.state.runs.record_step("shop", event, 1, driving(workspace.state, name))


def test_the_newest_snapshot_that_was_validated_decides(workspace: Workspace) -> None:
    promoted(workspace, 1)
    request = RetrainRequest("drift:1", "drift", version=1)

    def validated() -> tuple[bool | None, str | None]:
        found = with_validation(workspace, request)
        return found.data_valid, found.validated_by

    assert validated() == (None, None)
    taken(workspace, "good", StepState.CACHED)
    assert validated() == (True, "good")
    taken(workspace, "bad", StepState.FAILED, error=InvalidData("10 rows").as_dict())
    assert validated() == (False, "bad")
    # nobody judged these: no snapshot was taken, or the step itself broke
    taken(workspace, "none", None)
    taken(workspace, "broken", StepState.FAILED, error=StepFailed("killed").as_dict())
    assert validated() == (False, "bad")
    taken(workspace, "fixed", StepState.SUCCEEDED)
    assert validated() == (True, "fixed")


def test_the_run_that_answers_an_alarm_is_reported_as_it_ended(
    workspace: Workspace, write: Make
) -> None:
    held = execute(write(judged(blessed=False)))
    decision = DecisionRecord("shop", "t", "drift", True, "allowed", "why", None, END, held.id)
    project = Project(workspace)
    first, *ended = answered(project, RetrainResult(decision, held))
    assert first == "retrain: go (allowed): why"
    assert ended[0] == f"  run {held.id} succeeded"
    assert "the gate refused the model" in ended[1]
    assert not failed(held)

    broken = replace(held, id="broken", state=RunState.FAILED)
    workspace.state.runs.add(broken, str(workspace.folder))
    assert answered(project, RetrainResult(decision, broken))[1:] == [
        "  run broken failed",
        "  why: mizzen runs show broken",
    ]
    assert failed(broken)
    assert answered(project, RetrainResult(replace(decision, go=False))) == [
        "retrain: no (allowed): why"
    ]


def promoted(workspace: Workspace, *numbers: int) -> None:
    """Versions that the gate blessed, and a person's promotions of them in this order."""
    with suppress(Conflict):
        ended = run(state=RunState.SUCCEEDED, evaluation=BLESSED)
        workspace.state.runs.add(ended, str(workspace.folder))
    for number in range(1, max(numbers) + 1):
        workspace.state.models.register("shop", RUN, number)
    for number in numbers:
        workspace.state.models.promote("shop", number)


def test_an_alarm_of_a_version_that_was_rolled_back_is_closed_and_never_answered(
    workspace: Workspace,
) -> None:
    promoted(workspace, 3)
    alarm(workspace, 3, END)
    promoted(workspace, 1)
    assert workspace.state.monitoring.pending_alarms("shop") == []
    closed = Project(workspace).decisions()[-1]
    assert (closed.go, closed.rule) == (False, "stale")
    who = machine_user()
    assert closed.reason == f"the alarm judged version 3, and {who} made version 1 the champion"


def test_after_a_rollback_alarms_of_the_old_champion_wait_until_a_person_lifts_the_freeze(
    workspace: Workspace,
) -> None:
    promoted(workspace, 3, 1)
    request = RetrainRequest("drift:1", "drift", version=1)
    frozen = retrain(workspace, request, END).decision
    assert (frozen.go, frozen.rule) == (False, "freeze")
    assert frozen.not_before is not None
    assert frozen.not_before > datetime.now(UTC) + timedelta(days=6)
    kept = Project(workspace).lift_freeze()
    assert (kept.rule, kept.reason) == (
        "unfreeze",
        f"{machine_user()} lifted the freeze after a rollback",
    )
    asked = ask(workspace, request, END)
    assert not isinstance(asked, DecisionRecord)
    assert asked[0].go


def test_an_interrupted_retraining_is_not_resumed_once_its_champion_is_replaced(
    workspace: Workspace,
) -> None:
    promoted(workspace, 3)
    asked = ask(workspace, RetrainRequest("drift:3", "drift", version=3), END)
    assert not isinstance(asked, DecisionRecord)
    asked[1].ownership.release()  # as a kill would
    promoted(workspace, 1)
    assert list(alarms.interrupted(workspace)) == []
    assert workspace.state.runs.get("shop", asked[1].run.id).state is RunState.CANCELLED


def test_a_breaker_that_was_reset_lets_past_months_be_replayed(workspace: Workspace) -> None:
    def months(begin: int) -> list[str]:
        rules = []
        for month in range(begin, begin + 4):
            when = END - timedelta(days=30 * (12 - month))
            asked = ask(workspace, RetrainRequest(f"drift:{month}", "drift", version=1), when)
            if isinstance(asked, DecisionRecord):
                rules.append(asked.rule)
                continue
            asked[1].ownership.release()
            change_run(workspace.state, asked[1].run.id, state=RunState.FAILED)
            rules.append(asked[0].rule)
        return rules

    promoted(workspace, 1)
    assert months(0) == ["allowed"] * 3 + ["breaker"]
    Project(workspace).reset_breaker()  # by today's clock, years after these months
    assert months(4) == ["allowed"] * 3 + ["breaker"]
