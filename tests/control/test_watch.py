"""A stored alarm starts a retraining, once, if the guard allows; each answer is kept."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from tiny_plans import judged

from mizzen.control.retrain import reset_breaker, retrain
from mizzen.control.state.records import WindowRecord
from mizzen.control.submit import Prepared, carry_out
from mizzen.control.watch import request_of, tick
from mizzen.control.workspace import Workspace
from mizzen.core.runs import RunState
from mizzen.errors import UserError
from mizzen.project import Project

Make = Callable[..., Prepared]
END = datetime(2025, 6, 10, tzinfo=UTC)


def alarm(workspace: Workspace, version: int, end: datetime, *, alarmed: bool = True) -> None:
    workspace.state.projects.know("shop", str(workspace.folder), end)
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
    workspace.state.watching.add_window(window)


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
    reset_breaker(workspace, END, "me")
    kept = Project(workspace).decisions()[0]
    assert (kept.rule, kept.reason, kept.at) == ("reset", "me reset the breaker", END)


def test_the_same_window_is_stored_once(workspace: Workspace) -> None:
    alarm(workspace, 1, END)
    alarm(workspace, 1, END)
    assert len(Project(workspace).windows()) == 1


@pytest.mark.slow
def test_an_alarm_trains_on_the_newest_window_and_is_answered_once(workspace: Workspace) -> None:
    first = Project(workspace).run(end="2025-04-20").check()
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
    assert workspace.state.watching.pending_alarms("shop") == []


def test_decisions_name_runs_that_exist(workspace: Workspace, write: Make) -> None:
    run = carry_out(write(judged(blessed=False)))
    assert workspace.state.runs.get("shop", run.id).trigger == "person"
