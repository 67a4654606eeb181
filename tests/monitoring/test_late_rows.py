"""Rows that reach the log late: what was judged without them is judged again with them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from mizzen.control.controller import apart
from mizzen.control.monitoring.tick import inspect, tick
from mizzen.control.workspace import Workspace
from mizzen.state.records import Lease, WindowRecord

from .conftest import DAY, START, rows_of

JUNE = START + 180 * DAY
JULY = JUNE + 30 * DAY


def drift_of(workspace: Workspace) -> list[WindowRecord]:
    return [w for w in workspace.state.monitoring.all_windows("pumps") if w.kind == "drift"]


def send(in_use: Any, seed: int, rows: int, start: Any, shift: float = 0.0) -> None:
    frame = rows_of(np.random.default_rng(seed), rows, start, 30)
    in_use.predict(frame.assign(load=frame["load"] + shift))


@pytest.fixture(autouse=True)
def _no_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    """The page takes seconds and is no part of what these tests promise."""

    def none(*_: Any, **__: Any) -> Any:
        raise RuntimeError("no page in this test")

    monkeypatch.setattr("mizzen.adapters.evidently.report.EvidentlyReport.render", none)


def test_rows_that_come_late_change_the_verdict_at_the_same_instant(
    in_use: Any, watched: Workspace
) -> None:
    send(in_use, 1, 220, JUNE)
    first = inspect(watched, JULY).windows
    assert [(w.verdict, w.basis) for w in first if w.kind == "drift"] == [("quiet", 220)]
    assert "RuntimeError: no page in this test" in first[0].figures["no_report"]
    send(in_use, 2, 1200, JUNE, shift=1.5)
    for _ in range(2):  # asked again, the new verdict stands
        again = inspect(watched, JULY).windows
        assert [(w.verdict, w.basis) for w in again if w.kind == "drift"] == [("ALARM", 1420)]
    assert len(drift_of(watched)) == 1
    assert len(watched.state.monitoring.pending_alarms("pumps")) == 1


def test_the_watch_looks_again_at_older_windows_though_none_is_due(
    in_use: Any, watched: Workspace
) -> None:
    send(in_use, 3, 300, JUNE)
    send(in_use, 4, 300, JULY)
    tick(watched, JULY + 30 * DAY)
    assert [w.basis for w in drift_of(watched)] == [300, 300]
    send(in_use, 5, 1200, JUNE, shift=1.5)
    seen = tick(watched, JULY + 31 * DAY)
    assert [(w.verdict, w.basis) for w in drift_of(watched)] == [("ALARM", 1500), ("quiet", 300)]
    assert [answer.decision.trigger_id for answer in seen.retrained] == [drift_of(watched)[0].id]
    figures = (watched.place.home / "metrics" / "pumps.prom").read_text()
    assert 'mizzen_drift_rows{project="pumps",version="3"} 300.0' in figures  # of the newest
    assert tick(watched, JULY + 32 * DAY).windows == ()


def test_an_answered_alarm_is_not_answered_again_when_more_rows_come(
    in_use: Any, watched: Workspace
) -> None:
    send(in_use, 6, 400, JUNE, shift=1.5)
    assert len(tick(watched, JULY).retrained) == 1
    answered = drift_of(watched)[0].handled_by
    send(in_use, 7, 400, JUNE, shift=1.5)
    assert tick(watched, JULY + DAY).retrained == ()
    assert [(w.basis, w.handled_by) for w in drift_of(watched)] == [(800, answered)]


def test_late_rows_in_time_that_no_window_spans_are_looked_at(
    in_use: Any, watched: Workspace
) -> None:
    send(in_use, 8, 300, JUNE + 60 * DAY)
    inspect(watched, JUNE + 90 * DAY)
    send(in_use, 9, 900, JUNE, shift=1.5)
    inspect(watched, JUNE + 91 * DAY)
    old = [w for w in drift_of(watched) if w.end <= JUNE + 60 * DAY]
    assert sum(w.basis for w in old) == 900
    assert any(w.alarm for w in old)


def test_the_verdict_over_more_rows_stays_whoever_stores_last(
    in_use: Any, watched: Workspace
) -> None:
    send(in_use, 10, 300, JUNE)
    early = inspect(watched, JULY).windows
    send(in_use, 11, 1200, JUNE, shift=1.5)
    inspect(watched, JULY)
    for window in early:  # a drift job that read the log before the rows came
        watched.state.monitoring.add_window(window)
    assert [(w.verdict, w.basis) for w in drift_of(watched)] == [("ALARM", 1500)]


def test_a_log_that_began_this_week_is_not_judged_until_it_fills_half_a_window(
    in_use: Any, watched: Workspace
) -> None:
    send(in_use, 12, 1500, JUNE)
    for day in (2, 5, 9, 12):
        inspect(watched, JUNE + day * DAY)
    assert not any(w.judged for w in drift_of(watched))
    inspect(watched, JUNE + 16 * DAY)
    assert drift_of(watched)[-1].judged


def test_a_controller_judges_traffic_of_now_and_leaves_the_past_to_who_replays_it(
    in_use: Any, watched: Workspace
) -> None:
    lease = Lease("controller:pumps", f"here/1/{'0' * 32}", 1)
    assert apart.look(watched, lease, JULY.isoformat()) == {"windows": [], "newest": None}
    send(in_use, 13, 300, JUNE)
    later = apart.look(watched, lease, (JULY + 365 * DAY).isoformat())
    assert later["windows"] == []
    assert JUNE.isoformat() < later["newest"] < JULY.isoformat()
    assert drift_of(watched) == []
    now = apart.look(watched, lease, JULY.isoformat())
    assert now["windows"][0] == f"drift until {JULY:%FT%TZ}: quiet"
    assert [w.verdict for w in drift_of(watched)] == ["quiet"]
