"""`mizzen check` says which starts of a schedule the guard would refuse."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from mizzen.control.check.schedule import check_schedule
from mizzen.control.workspace import Workspace
from mizzen.spec.operation import Retraining

NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)


def findings(workspace: Workspace, **retraining: object) -> list[tuple[str, str, str | None]]:
    section = Retraining.model_validate({"triggers": ["schedule"], **retraining})
    spec = workspace.spec.model_copy(update={"retraining": section})
    return [(f.level, f.message, f.next_step) for f in check_schedule(spec, NOW)]


def test_the_next_start_is_shown_by_the_clock_of_its_zone(workspace: Workspace) -> None:
    monthly = {"cron": "0 3 1 * *", "zone": "Europe/Berlin"}
    assert findings(workspace, schedule=monthly) == [
        ("ok", "the next start is 2026-12-01T03:00:00+01:00", None)
    ]
    assert findings(workspace) == []


def test_a_daily_start_that_comes_an_hour_early_is_within_a_days_cooldown(
    workspace: Workspace,
) -> None:
    daily = {"cron": "0 4 * * *", "zone": "Europe/Berlin"}
    budget = {"runs": 40, "per": "30d"}
    (_, warning) = findings(workspace, schedule=daily, cooldown="1d", budget=budget)
    assert warning[0] == "warning"
    assert "the start at 2027-03-28T04:00:00+02:00 comes 23:00:00 after the one" in warning[1]
    assert warning[2] == "set retraining.cooldown to 1380m or less"
    assert len(findings(workspace, schedule=daily, cooldown="1380m", budget=budget)) == 1


@pytest.mark.parametrize(("cron", "most"), [("0 3 * * 1", 5), ("0 3 * * *", 30)])
def test_starts_beyond_the_budget_are_told_with_what_they_need(
    workspace: Workspace, cron: str, most: int
) -> None:
    told = findings(workspace, schedule={"cron": cron}, budget={"runs": 4, "per": "30d"})
    assert told[1:] == [
        (
            "warning",
            f"{most} starts lie within 30d, and the guard lets 4 of them go: retraining.budget",
            f"set retraining.budget.runs to {most} or more",
        )
    ]
    enough = findings(workspace, schedule={"cron": cron}, budget={"runs": most, "per": "30d"})
    assert len(enough) == 1


def test_a_dense_schedule_is_judged_without_looking_at_a_whole_year(workspace: Workspace) -> None:
    told = findings(workspace, schedule={"cron": "* * * * *"}, budget={"runs": 5000, "per": "1d"})
    assert [level for level, _, _ in told] == ["ok", "warning"]
