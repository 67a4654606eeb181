"""Which windows are watched: looking by hand never blinds the watch, the future is refused."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from typer.testing import CliRunner

from mizzen.cli.app import app
from mizzen.control.demo import steps
from mizzen.control.monitoring import alarms, drift, tick
from mizzen.control.monitoring.retrain import ask
from mizzen.control.monitoring.run_drift import WindowVerdict
from mizzen.control.monitoring.tick import inspect, request_of
from mizzen.control.workspace import Workspace
from mizzen.core.windows import is_due
from mizzen.errors import StepFailed, UserError
from mizzen.project import Project
from mizzen.spec.demo import WatchStep
from mizzen.state.records import DecisionRecord, WindowRecord, to_jsonable

BEGIN = datetime(2025, 3, 1, tzinfo=UTC)
DAY = timedelta(days=1)
Asked = list[tuple[datetime | None, datetime]]


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Asked:
    """What the drift job is asked for. It answers for traffic that began at BEGIN; a window is
    judged once it spans 20 days of it."""
    seen: Asked = []

    def job(_: Workspace, __: int, start: Any, end: datetime, *___: Any) -> list[WindowVerdict]:
        seen.append((start, end))
        first = max(start or BEGIN, end - 30 * DAY)
        judged = end - max(first, BEGIN) >= 20 * DAY
        figures = {"rows": 5, "reason": "5 rows; monitoring.min_rows is 500", "judged": judged}
        return [WindowVerdict("drift", first, end, False, figures, None)]

    monkeypatch.setattr(drift, "run_drift_job", job)
    monkeypatch.setattr(tick, "version_of", lambda *_: 1)
    monkeypatch.setattr(tick.quality, "look", lambda *_: ())
    return seen


@pytest.mark.parametrize("look", [inspect, tick.tick])
def test_a_window_that_has_not_ended_is_refused(
    workspace: Workspace, asked: Asked, look: Callable[[Workspace, datetime], Any]
) -> None:
    with pytest.raises(UserError, match=r"2099(.|\n)*allowed(.|\n)*next"):
        look(workspace, datetime(2099, 1, 1, tzinfo=UTC))
    assert asked == []
    assert Project(workspace).windows() == []


def test_each_line_says_whether_it_is_of_drift_or_of_quality(workspace: Workspace) -> None:
    workspace.state.projects.ensure("shop", "", BEGIN)
    figures = {"drift": {"rows": 5}, "quality": {"labelled": 2, "predictions": 4, "share": 0.5}}
    for kind, found in figures.items():
        window = WindowRecord(kind, "shop", BEGIN, BEGIN + DAY, 1, kind, False, found, None, BEGIN)
        workspace.state.monitoring.add_window(window)
    shown = CliRunner().invoke(app, ["windows", "-C", str(workspace.folder)])
    assert shown.exit_code == 0, shown.output
    head, *lines = shown.stdout.splitlines()
    assert head.split()[0] == "kind"
    found = {line.split()[0]: line for line in lines}
    assert set(found) == {"drift", "quality"}
    assert "5 rows" in found["drift"]
    assert "2 of 4 labels (50.0%)" in found["quality"]


def test_a_daily_look_judges_whole_windows(workspace: Workspace, asked: Asked) -> None:
    for day in range(1, 41):
        inspect(workspace, BEGIN + day * DAY)
    windows = [w for w in Project(workspace).windows() if w.kind == "drift"]
    assert [w.judged for w in windows] == [False] * 19 + [True] * 21
    assert windows[-1].start == BEGIN + 10 * DAY
    assert windows[-1].end == BEGIN + 40 * DAY


def due(workspace: Workspace, now: datetime) -> bool:
    return is_due(drift.spans(workspace, 1), 30 * DAY, now)


def test_a_hand_look_postpones_no_due_window(workspace: Workspace, asked: Asked) -> None:
    assert due(workspace, BEGIN + DAY)
    inspect(workspace, BEGIN + DAY)
    assert due(workspace, BEGIN + 2 * DAY)  # it was not judged
    inspect(workspace, BEGIN + 30 * DAY)
    assert not due(workspace, BEGIN + 59 * DAY)
    inspect(workspace, BEGIN + 45 * DAY)
    assert due(workspace, BEGIN + 60 * DAY)
    inspect(workspace, BEGIN + 60 * DAY)
    assert not due(workspace, BEGIN + 61 * DAY)


def test_what_nobody_looked_at_is_caught_up(workspace: Workspace, asked: Asked) -> None:
    inspect(workspace, BEGIN + 30 * DAY)
    inspect(workspace, BEGIN + 123 * DAY)
    assert asked == [
        (None, BEGIN + 30 * DAY),
        (BEGIN + 30 * DAY, BEGIN + 123 * DAY),
    ]


def test_a_judged_window_is_not_judged_again_an_unjudged_one_is(
    workspace: Workspace, asked: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    early, late = BEGIN + 3 * DAY, BEGIN + 30 * DAY
    inspect(workspace, early)
    monkeypatch.setattr(f"{__name__}.BEGIN", BEGIN - 40 * DAY)  # older rows came since
    assert all(w.judged for w in inspect(workspace, early).windows)
    assert len(Project(workspace).windows()) == 1
    inspect(workspace, late)
    inspect(workspace, late)
    assert [end for _, end in asked] == [early, early, late]


def test_a_window_that_was_not_judged_is_not_called_quiet(
    workspace: Workspace, asked: Asked
) -> None:
    seen = inspect(workspace, BEGIN + DAY)
    assert seen.windows[0].verdict == "not judged: 5 rows; monitoring.min_rows is 500"
    assert to_jsonable(seen)["windows"][0]["figures"]["judged"] is False
    step = WatchStep.model_validate({"watch": True, "until": "2025-03-02", "expect": "quiet"})
    with pytest.raises(StepFailed, match="not judged: 5 rows"):
        steps.watch(workspace, step, None)
    told = steps.watch(workspace, step.model_copy(update={"expect": None}), None)
    assert (told["judged"], told["found"]) == (False, seen.windows[0].verdict)


def test_a_person_trains_on_all_rows_a_machine_on_the_newest_window(
    workspace: Workspace,
) -> None:
    end = BEGIN + 60 * DAY
    asked = ask(workspace, request_of("person", None, end), end, all_rows=True)
    assert not isinstance(asked, DecisionRecord)
    assert (asked[1].run.arguments["start"], asked[1].run.arguments["end"]) == ("", "")
    asked = ask(workspace, request_of("drift", "one", end), end)
    assert isinstance(asked, DecisionRecord)
    assert asked.rule == "running"


def test_a_retraining_without_an_end_asks_the_clock_only_for_machines(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[bool] = []
    monkeypatch.setattr(
        "mizzen.control.monitoring.retrain.retrain",
        lambda *_, all_rows, **__: seen.append(all_rows),
    )
    project = Project(workspace)
    project.retrain()
    project.retrain(until="2025-04-20")
    project.retrain(cause="schedule")
    assert seen == [True, False, False]


def test_overlapping_alarms_count_once_and_unjudged_windows_do_not_count(
    workspace: Workspace,
) -> None:
    def keep(day: int, *, alarm: bool, judged: bool = True) -> WindowRecord:
        end = BEGIN + day * DAY
        figures = {"judged": judged}
        return WindowRecord(
            f"drift:{day}", "shop", end - 30 * DAY, end, 1, "drift", alarm, figures, None, end
        )

    workspace.state.projects.ensure("shop", str(workspace.folder), BEGIN)
    kept = [keep(30, alarm=True), keep(31, alarm=False, judged=False), keep(59, alarm=True)]
    kept += [keep(60, alarm=True), keep(62, alarm=True)]
    for window in kept:
        workspace.state.monitoring.add_window(window)
    assert alarms._verdicts_until(workspace, kept[3]) == [True, True]
    assert alarms._verdicts_until(workspace, kept[4]) == [True, True]
