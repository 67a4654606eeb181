"""Any sequence of alarms, runs, promotions, rollbacks, resets and time keeps the guard's word."""

from __future__ import annotations

import itertools
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from mizzen.control.monitoring import alarms, tick
from mizzen.control.monitoring import retrain as retraining
from mizzen.control.workspace import Workspace
from mizzen.core.place import Place
from mizzen.core.runs import RunState
from mizzen.spec.operation import Retraining
from mizzen.spec.profile import Profile
from mizzen.state import open_state
from mizzen.state.author import Author
from mizzen.state.database import open_file
from mizzen.state.records import GATE, Evaluation, RunRecord, WindowRecord
from mizzen.state.sql_state import SqlState
from mizzen_tests.driving import change_run, driving
from mizzen_tests.soak import examples

WALL = datetime(2026, 1, 1, tzinfo=UTC)
DATA = datetime(2013, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)
RULES = Retraining.model_validate(
    {
        "triggers": ["drift"],
        "cooldown": "2d",
        "budget": {"runs": 2, "per": "30d"},
        "breaker": 2,
        "freeze": "7d",
    }
)
BETTER = Evaluation("auc", 0.8, None, True, "better")
_homes = itertools.count()


class Guarded(RuleBasedStateMachine):
    """A project whose past months are replayed while people promote, reset and lift."""

    folder: Path

    def __init__(self) -> None:
        super().__init__()
        profile = Profile.model_validate({"apiVersion": "mizzen.dev/v1", "kind": "Profile"})
        place = Place("shop", self.folder / f"home-{next(_homes)}", profile)
        data = SimpleNamespace(event_time=None)
        spec: Any = SimpleNamespace(name="shop", retraining=RULES, data=data)
        self.workspace = Workspace(self.folder, "local", spec, place)
        self.wall, self.count, self.version = WALL, 0, 0
        place.home.mkdir()
        database = open_file(str(place.home / "state.db"))
        signed = SqlState(database, Author("me", lambda: self.wall))
        self.workspace.__dict__["state"] = signed  # by the machine's own clock
        self.frozen_until: datetime | None = None
        self.failures = 0  # in a row, in the order of decisions, since the last reset
        retraining.clock = lambda: self.wall  # type: ignore[assignment]
        retraining.prepare = self.prepared  # type: ignore[assignment]
        self.new_version()
        self.promote(1, GATE)

    def prepared(self, *_: Any, **__: Any) -> Any:
        """A run that is written down and carried out by nobody."""
        run = self.a_run(RunState.RUNNING)
        ownership = SimpleNamespace(release=lambda: None)
        return SimpleNamespace(run=run, ownership=ownership)

    def a_run(self, state: RunState) -> RunRecord:
        self.count += 1
        name = f"run-{self.count}"
        champion = self.workspace.state.models.champion("shop")
        number = None if champion is None else champion.version
        run = RunRecord(
            name, "shop", "training", name, state, "drift", {}, "0", "0",
            str(self.folder / name), self.wall, champion=number, evaluation=BETTER,
        )  # fmt: skip
        self.workspace.state.runs.add(run, "here")
        return run

    def new_version(self) -> int:
        self.newest, self.version = self.a_run(RunState.SUCCEEDED), self.version + 1
        self.workspace.state.models.register("shop", self.newest.id, self.version)
        change_run(self.workspace.state, self.newest.id, version=self.version)
        return self.version

    def promote(self, number: int, by: str) -> None:
        before = self.workspace.state.models.champion("shop")
        if before is not None and before.version == number:
            return
        if by == GATE:
            state = self.workspace.state
            lease = driving(state, self.newest.id)
            state.models.promote_blessed("shop", self.newest.id, lease)
        else:
            self.workspace.state.models.promote("shop", number, reason="why")
        rollback = by != GATE and before is not None and number < before.version
        self.frozen_until = self.wall + 7 * DAY if rollback else None

    @property
    def champion(self) -> int:
        found = self.workspace.state.models.champion("shop")
        assert found is not None
        return found.version

    @property
    def going(self) -> list[RunRecord]:
        runs = self.workspace.state.runs.newest_first("shop", limit=1000)
        return [run for run in runs if not run.state.ended]

    @rule(hours=st.integers(1, 100))
    def time_passes(self, hours: int) -> None:
        self.wall += timedelta(hours=hours)

    @rule(day=st.integers(0, 120), version=st.integers(1, 6))
    def a_window_alarms(self, day: int, version: int) -> None:
        end = DATA + day * DAY
        name = f"drift:shop:{version}:{day}:{self.count}"
        window = WindowRecord(
            name, "shop", end - 30 * DAY, end, version, "drift", True, {"rows": 9}, None, self.wall
        )
        self.workspace.state.monitoring.add_window(window)

    @rule()
    def the_watch_answers(self) -> None:
        state, known = (
            self.workspace.state,
            len(self.workspace.state.monitoring.all_decisions("shop")),
        )
        for alarm in alarms.pending(self.workspace):
            assert alarm.version == self.champion
            request = replace(tick.request_of("drift", alarm.id, alarm.end), version=alarm.version)
            retraining.ask(self.workspace, request, alarm.end, alarm.id)
        assert state.monitoring.pending_alarms("shop") == []
        for decision in state.monitoring.all_decisions("shop")[known:]:
            frozen = self.frozen_until is not None and self.wall < self.frozen_until
            if decision.go:
                assert not frozen
                assert self.failures < RULES.breaker
            if decision.rule == "freeze":
                assert frozen
                assert decision.not_before == self.frozen_until
            if decision.rule == "breaker":
                assert self.failures >= RULES.breaker

    @rule(state=st.sampled_from([RunState.SUCCEEDED, RunState.FAILED, RunState.CANCELLED]))
    def the_run_ends(self, state: RunState) -> None:
        for run in self.going:
            change_run(self.workspace.state, run.id, state=state)
            decided = self.workspace.state.monitoring.all_decisions("shop")
            number = next(d.id for d in decided if d.run == run.id)
            reset = max((d.id for d in decided if d.rule == "reset"), default=0)
            if number < reset or state is RunState.CANCELLED:
                continue
            self.failures = self.failures + 1 if state is RunState.FAILED else 0
            if state is RunState.SUCCEEDED and run.champion == self.champion:
                self.promote(self.new_version(), GATE)

    @rule(number=st.integers(1, 6))
    def a_person_promotes(self, number: int) -> None:
        self.promote(min(number, self.version), "me")

    @rule()
    def a_person_resets(self) -> None:
        retraining.reset_breaker(self.workspace, self.wall)
        self.failures = 0

    @rule()
    def a_person_lifts_the_freeze(self) -> None:
        retraining.lift_freeze(self.workspace, self.wall)
        self.frozen_until = None

    @invariant()
    def only_alarms_about_the_champion_wait(self) -> None:
        for alarm in self.workspace.state.monitoring.pending_alarms("shop"):
            assert alarm.version == self.champion

    @invariant()
    def one_run_goes_and_none_is_beyond_budget_or_cooldown(self) -> None:
        assert len(self.going) <= 1
        decided = self.workspace.state.monitoring.all_decisions("shop")
        gone = sorted(decision.at for decision in decided if decision.go)
        assert all(b - a >= 2 * DAY for a, b in itertools.pairwise(gone))
        assert all(b - a >= 30 * DAY for a, b in zip(gone, gone[2:], strict=False))

    @invariant()
    def no_answer_is_given_to_an_alarm_about_another_version(self) -> None:
        windows = {w.id: w for w in self.workspace.state.monitoring.all_windows("shop")}
        for decision in self.workspace.state.monitoring.all_decisions("shop"):
            if decision.go:
                run = self.workspace.state.runs.get("shop", str(decision.run))
                assert windows[decision.trigger_id].version == run.champion


@pytest.mark.soak
def test_no_sequence_of_events_makes_the_guard_break_its_word(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("clock", "prepare"):  # the machine sets both; they come back afterwards
        monkeypatch.setattr(retraining, name, getattr(retraining, name))
    profile = Profile.model_validate({"apiVersion": "mizzen.dev/v1", "kind": "Profile"})
    open_state(Place("shop", tmp_path / "first", profile)).projects.all()
    monkeypatch.setattr(Guarded, "folder", tmp_path, raising=False)
    many = settings(
        max_examples=examples(15, 500),
        stateful_step_count=25,
        deadline=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
    )
    run_state_machine_as_test(Guarded, settings=many)
