"""What the state promises, wherever it is: in a file, in PostgreSQL, behind the control API."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from mizzen.core.runs import RunState, StepEvent, StepState
from mizzen.errors import Conflict, InvalidData, NotFound, StaleLease
from mizzen.state.author import machine_user
from mizzen.state.database import open_address
from mizzen.state.interface import State
from mizzen.state.records import (
    DecisionRecord,
    DemoStepRecord,
    Evaluation,
    Lease,
    Promotion,
    RunRecord,
    ScheduleRecord,
    ServedVersion,
    VersionRecord,
    WindowRecord,
    lease_name,
    to_jsonable,
)
from mizzen.state.sql_state import SqlState
from mizzen_tests.driving import HOLDER, change_run, driving

NOW = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)
EMPTY_TAR = bytes(10240)
DIGEST = "84ff92691f909a05b224e1c56abb4864f01b4f8e3c854e4bb4c7baf1d3f6d652"


@pytest.fixture(params=["sqlite", "postgres", "http"])
def state(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> State:
    """An empty state."""
    if request.param == "sqlite":
        return SqlState(open_address(f"sqlite:///{tmp_path}/state.db"))
    if request.param == "http":
        found: State = request.getfixturevalue("api").state()
        return found
    for name, value in request.getfixturevalue("database").items():
        monkeypatch.setenv(name, value)
    return SqlState(open_address("postgresql+psycopg://"))


@pytest.fixture
def account(request: pytest.FixtureRequest) -> str:
    """The author of what is written: the token's name, or who runs this process."""
    http = request.node.callspec.params["state"] == "http"
    return "MIZZEN_API_TOKEN" if http else machine_user()


@pytest.fixture
def shop(state: State) -> State:
    """A project with a run, two versions that the gate blessed, and one alarm."""
    state.runs.add(run(), "/projects/shop")
    for number in (1, 2):
        state.models.register("shop", run().id, number)
    state.monitoring.add_window(window("drift:1", alarm=True))
    return state


def run(run_id: str = "20260102-030405-aaaaaa", **values: Any) -> RunRecord:
    record = RunRecord(
        id=run_id,
        project="shop",
        kind="training",
        title="a run",
        state=RunState.QUEUED,
        trigger="person",
        arguments={"seed": 1, "code": "c" * 64, "start": ""},
        plan="p" * 64,
        code="c" * 64,
        folder="/projects/shop/.mizzen/runs/1",
        created_at=NOW,
        evaluation=Evaluation("roc_auc", 0.1 + 0.2, 0.25, True, "why"),
    )
    return replace(record, **values)


def version(number: int) -> VersionRecord:
    return VersionRecord(
        "shop", number, run().id, True, "why", "roc_auc", 0.1 + 0.2, None, None, NOW
    )


def held(state: State, number: int) -> str:
    """A version that the gate held; the id of its run."""
    name = f"held-{number}"
    verdict = Evaluation("roc_auc", 0.1, 0.25, False, "worse")
    state.runs.add(run(name, evaluation=verdict, champion=1), "")
    state.models.register("shop", name, number)
    return name


def window(name: str, *, alarm: bool, judged: bool = True, day: int = 0) -> WindowRecord:
    end = NOW + timedelta(days=day)
    figures = {"judged": judged, "rows": 5}
    return WindowRecord(
        name, "shop", end - timedelta(days=30), end, 1, "drift", alarm, figures, None, end
    )


def decision(trigger: str, *, go: bool = True, run_id: str | None = None) -> DecisionRecord:
    return DecisionRecord("shop", trigger, "drift", go, "allowed", "no rule", None, NOW, run_id)


def test_a_key_of_one_project_is_none_of_another(shop: State) -> None:
    other = replace(run("other-1"), project="other")
    shop.runs.add(other, "/projects/other")
    shop.models.register("other", "other-1", 1)
    first = shop.models.promote("shop", 1, key="k")
    assert shop.models.promote("shop", 1, key="k") == first
    for project, number in (("other", 1), ("shop", 2)):
        with pytest.raises(Conflict, match="used for another write"):
            shop.models.promote(project, number, key="k")
    assert shop.models.history("other") == []
    kept = shop.monitoring.add_decision(replace(decision("t-1", go=False), key="d"))
    assert shop.monitoring.add_decision(replace(decision("t-1", go=False), key="d")) == kept
    with pytest.raises(Conflict, match="used for another write"):
        shop.monitoring.add_decision(replace(decision("t-1"), project="other", key="d"))
    with pytest.raises(Conflict, match="another project has a window"):
        shop.monitoring.add_window(replace(window("drift:1", alarm=False), project="other"))
    assert [found.alarm for found in shop.monitoring.all_windows("shop")] == [True]


def event(step: str, to: StepState, **values: Any) -> StepEvent:
    return StepEvent(run().id, step, to, NOW, **values)


def tell(state: State, told: StepEvent, position: int) -> None:
    """As whoever drives the run does."""
    lease = state.leases.acquire(lease_name(told.run_id), HOLDER, 60)
    assert lease is not None
    state.runs.record_step("shop", told, position, lease)


def at_once(calls: list[Callable[[], Any]]) -> list[Any]:
    """Their answers, or what they raised, all begun together."""
    barrier = threading.Barrier(len(calls))

    def call(wanted: Callable[[], Any]) -> Any:
        barrier.wait()
        try:
            return wanted()
        except Exception as error:  # noqa: BLE001 (told apart by the test)
            return error

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(call, calls))


def test_a_run_comes_back_as_it_was_told(state: State) -> None:
    told = run(
        evaluation=None,
        arguments={"a": [1, None, "é"], "b": {"c": 0.1}},
        error={"message": 'no\n"x"'},
        overrides={"gate.margin": 0.1, "evaluation.slices": ["é"]},
    )
    state.runs.add(told, "/somewhere")
    assert state.runs.get("shop", told.id) == told
    found = Evaluation("roc_auc", 0.1 + 0.2, None, False, "é", {"roc_auc": 0.1, "brier": None})
    change_run(state, told.id, evaluation=found)
    told = replace(told, evaluation=found)
    assert state.runs.get("shop", told.id) == told
    assert state.runs.newest_first("shop") == [told]
    assert [found.name for found in state.projects.all()] == ["shop"]


def test_instants_keep_their_microseconds_in_any_zone(state: State) -> None:
    elsewhere = NOW.astimezone(timezone(timedelta(hours=-5)))
    state.runs.add(run(created_at=elsewhere), "")
    found = state.runs.get("shop", run().id).created_at
    assert found == NOW
    assert found.utcoffset() is not None


def test_a_run_is_found_by_the_beginning_of_its_id(shop: State) -> None:
    shop.runs.add(run("20260102-030405-bbbbbb"), "")
    assert shop.runs.get("shop", "20260102-030405-b").id.endswith("bbbbbb")
    with pytest.raises(NotFound, match="several runs begin with"):
        shop.runs.get("shop", "2026")
    with pytest.raises(NotFound, match=r"no run '9'(.|\n)*bbbbbb"):
        shop.runs.get("shop", "9")
    with pytest.raises(NotFound):
        shop.runs.get("another", run().id)


def test_fields_of_a_run_are_set_and_unset(shop: State) -> None:
    fault = {"step": "train", "message": "no"}
    change_run(shop, run().id, state=RunState.FAILED, error=fault, version=3)
    found = shop.runs.get("shop", run().id)
    assert (found.state, found.error) == (RunState.FAILED, fault)
    assert found.ended_at is not None  # by the clock of the database, which is this machine's
    assert abs(found.ended_at - datetime.now(UTC)) < timedelta(minutes=1)
    assert shop.runs.with_version("shop", 3) == [found]
    change_run(shop, run().id, state=RunState.RUNNING, error=None)
    found = shop.runs.get("shop", run().id)
    assert (found.state, found.ended_at, found.error) == (RunState.RUNNING, None, None)


def test_what_does_not_exist_cannot_be_changed(shop: State) -> None:
    with pytest.raises(NotFound):
        shop.runs.change("shop", "nothing", driving(shop, "nothing"), state=RunState.FAILED)
    with pytest.raises(NotFound):
        shop.runs.change("another", run().id, driving(shop, run().id), state=RunState.FAILED)
    with pytest.raises(NotFound):
        shop.runs.record_step(
            "another", event("train", StepState.RUNNING), 0, driving(shop, run().id)
        )
    assert shop.runs.steps_of("another", run().id) == []


def test_the_last_event_of_each_step_is_kept_in_the_plans_order(shop: State) -> None:
    tell(shop, event("train", StepState.RUNNING), 1)
    tell(shop, event("snapshot", StepState.CACHED), 0)
    figures = {"rows": 5, "auc": 0.1 + 0.2, "blessed": True, "name": "1"}
    artifacts = {"model": Path("/a b/model")}
    done = event("train", StepState.SUCCEEDED, seconds=1.5, figures=figures, artifacts=artifacts)
    for _ in range(2):  # an answer that was lost
        tell(shop, done, 1)
    found = shop.runs.steps_of("shop", run().id)
    assert [(step.name, step.state) for step in found] == [
        ("snapshot", StepState.CACHED),
        ("train", StepState.SUCCEEDED),
    ]
    assert found[1].figures == figures
    assert [type(value) for value in found[1].figures.values()] == [int, float, bool, str]
    assert found[1].artifacts == {"model": "/a b/model"}


def test_following_a_run_tells_each_step_and_ends_with_it(shop: State) -> None:
    def work() -> None:
        change_run(shop, run().id, state=RunState.RUNNING)
        tell(shop, event("train", StepState.RUNNING), 0)
        tell(shop, event("train", StepState.SUCCEEDED), 0)
        change_run(shop, run().id, state=RunState.SUCCEEDED)

    worker = threading.Thread(target=work)
    worker.start()
    seen = [change for change in shop.runs.follow("shop", run().id) if change is not None]
    worker.join()
    assert seen[-1].run.state is RunState.SUCCEEDED
    steps = [change.step for change in seen if change.step is not None]
    assert steps[-1].state is StepState.SUCCEEDED
    numbers = [change.number for change in seen]
    assert numbers == sorted(set(numbers))


def test_following_goes_on_after_the_last_change_that_was_seen(shop: State) -> None:
    tell(shop, event("one", StepState.SUCCEEDED), 0)
    tell(shop, event("two", StepState.SUCCEEDED), 1)
    change_run(shop, run().id, state=RunState.FAILED)
    seen = [change for change in shop.runs.follow("shop", run().id) if change is not None]
    assert [change.step and change.step.name for change in seen] == ["one", "two", None]
    later = [c for c in shop.runs.follow("shop", run().id, seen[0].number) if c is not None]
    assert later == seen[1:]
    assert [c for c in shop.runs.follow("shop", run().id, seen[-1].number) if c] == []
    with pytest.raises(NotFound):
        list(shop.runs.follow("shop", "nothing"))


def test_a_repeated_new_run_is_one_and_another_of_its_id_is_refused(shop: State) -> None:
    change_run(shop, run().id, state=RunState.RUNNING)
    shop.runs.add(run(), "/projects/shop")
    assert shop.runs.get("shop", run().id).state is RunState.RUNNING
    with pytest.raises(Conflict, match="another run"):
        shop.runs.add(run(folder="/elsewhere"), "")


OTHER = f"elsewhere/2/{'1' * 32}"


def expired(state: State, name: str) -> None:
    """Return when a lease has ended by the database's clock."""
    until = time.monotonic() + 30
    while (found := state.leases.get(name)) is None or found.seconds_left > 0:
        assert time.monotonic() < until
        time.sleep(0.02)


def test_one_holder_drives_at_a_time_and_the_next_has_a_higher_epoch(state: State) -> None:
    name = "controller:shop"
    assert state.leases.get(name) is None
    first = state.leases.acquire(name, HOLDER, 60)
    assert first is not None
    assert state.leases.acquire(name, HOLDER, 60) == first  # an answer that was lost
    assert state.leases.acquire(name, OTHER, 60) is None
    found = state.leases.get(name)
    assert found is not None
    assert (found.driver, found.epoch) == ("a-test/1", first.epoch)  # without its secret
    assert 0 < found.seconds_left <= 60
    state.leases.release(first)
    second = state.leases.acquire(name, OTHER, 60)
    assert second is not None
    assert second.epoch > first.epoch
    state.leases.release(first)  # changes nothing: it is another's by now
    assert state.leases.acquire(name, HOLDER, 60) is None
    with pytest.raises(StaleLease):
        state.leases.renew(first, 60)


def test_a_lease_that_nobody_renews_ends_and_its_holder_may_go_on_until_it_is_taken(
    state: State,
) -> None:
    name = "run:1"
    lease = state.leases.acquire(name, HOLDER, 0.2)
    assert lease is not None
    expired(state, name)
    state.leases.renew(lease, 0.2)  # it slept, and nobody noticed
    expired(state, name)
    assert state.leases.acquire(name, OTHER, 60) is not None
    with pytest.raises(StaleLease):
        state.leases.renew(lease, 60)


def test_of_many_that_want_to_drive_at_once_one_does(state: State) -> None:
    holders = [f"machine-{number}/1/{'0' * 32}" for number in range(8)]
    calls: list[Callable[[], Any]] = [
        lambda holder=holder: state.leases.acquire("run:1", holder, 60)  # type: ignore[misc]
        for holder in holders
    ]
    assert sorted(found is not None for found in at_once(calls)) == [False] * 7 + [True]


def test_one_that_is_known_to_be_dead_is_not_waited_for_but_only_that_one(state: State) -> None:
    first = state.leases.acquire("run:1", HOLDER, 60)
    assert first is not None
    second = state.leases.acquire("run:1", OTHER, 60, over=first.epoch)
    assert second is not None
    assert state.leases.acquire("run:1", HOLDER, 60, over=first.epoch) is None


def test_a_driver_that_was_replaced_writes_nothing(shop: State) -> None:
    stale = driving(shop, run().id)
    driving(shop, run().id, OTHER)
    before = shop.runs.get("shop", run().id)
    with pytest.raises(StaleLease, match="driven by somebody else"):
        shop.runs.change("shop", run().id, stale, state=RunState.FAILED)
    with pytest.raises(StaleLease):
        shop.runs.record_step("shop", event("train", StepState.FAILED), 0, stale)
    assert shop.runs.get("shop", run().id) == before
    assert shop.runs.steps_of("shop", run().id) == []


def test_a_lease_counts_for_its_own_run_alone(shop: State) -> None:
    for other in (driving(shop, "another"), Lease("controller:shop", HOLDER, 1)):
        with pytest.raises(Conflict, match="not that of run"):
            shop.runs.change("shop", run().id, other, state=RunState.FAILED)
    guessed = replace(driving(shop, run().id), holder=OTHER)
    with pytest.raises(StaleLease):
        shop.runs.change("shop", run().id, guessed, state=RunState.FAILED)


def test_a_run_that_succeeded_ends_in_no_other_way(shop: State) -> None:
    change_run(shop, run().id, state=RunState.SUCCEEDED)
    for state in (RunState.FAILED, RunState.RUNNING, RunState.INTERRUPTED):
        with pytest.raises(Conflict, match="succeeded"):
            change_run(shop, run().id, state=state)
    change_run(shop, run().id, state=RunState.SUCCEEDED, version=2)


def test_versions_are_listed_and_an_unknown_one_names_them(shop: State) -> None:
    first, second = shop.models.all_versions("shop")
    assert shop.models.register("shop", run().id, 1) == first
    assert replace(first, created_at=NOW) == version(1)
    assert shop.models.get_version("shop", 2) == second
    with pytest.raises(NotFound, match=r"shop has no version 9(.|\n)*allowed: 1, 2\n"):
        shop.models.get_version("shop", 9)


def test_a_version_has_the_verdict_that_the_state_keeps_of_its_run(shop: State) -> None:
    held(shop, 3)
    found = shop.models.get_version("shop", 3)
    assert (found.blessed, found.reason, found.value) == (False, "worse", 0.1)
    assert (found.champion, found.champion_value) == (1, 0.25)
    with pytest.raises(NotFound, match="no such run"):
        shop.models.register("shop", "no such run", 5)
    with pytest.raises(NotFound):
        shop.models.register("other", run().id, 5)
    shop.runs.add(run("no-model", evaluation=None), "")
    with pytest.raises(Conflict, match="run no-model measured no model"):
        shop.models.register("shop", "no-model", 5)
    shop.models.register("shop", run().id, 3)  # the same model, and blessed since
    assert shop.models.get_version("shop", 3).blessed
    shop.models.register("shop", "held-3", 3)
    assert shop.models.get_version("shop", 3).run == run().id


def test_promotions_are_a_history_and_the_newest_is_the_champion(shop: State) -> None:
    assert shop.models.champion("shop") is None
    first = shop.models.promote("shop", 1, expected=None)
    second = shop.models.promote("shop", 2, reason="better", expected=1)
    assert (first.previous, second.previous) == (None, 1)
    assert first.reason == "no reason was given; the gate said: why"
    assert shop.models.champion("shop") == second
    assert shop.models.promote("shop", 2, reason="again") == second
    assert shop.models.history("shop") == [first, second]
    with pytest.raises(Conflict, match="judged against version 1"):
        shop.models.promote("shop", 1, expected=1)
    with pytest.raises(NotFound):
        shop.models.promote("shop", 7)


def test_what_the_gate_held_is_promoted_only_by_force_and_with_a_reason(shop: State) -> None:
    """Whoever asks, by whatever door."""
    held(shop, 3)
    for force, reason in ((False, "why"), (True, " ")):
        with pytest.raises(Conflict, match="the gate held version 3"):
            shop.models.promote("shop", 3, force=force, reason=reason)
    assert shop.models.history("shop") == []
    shop.models.promote("shop", 3, force=True, reason="its data is gone")
    shop.models.promote("shop", 2, force=True, reason="nothing to force")
    forced = [(p.version, p.forced) for p in shop.models.history("shop")]
    assert forced == [(3, True), (2, False)]


def test_who_promotes_and_when_is_said_by_the_state(shop: State, account: str) -> None:
    before = datetime.now(UTC) - timedelta(minutes=5)
    found = [shop.models.promote("shop", 1), shop.monitoring.reset_breaker("shop")]
    assert found[0].by == account
    assert found[1].reason == f"{account} reset the breaker"
    assert shop.monitoring.lift_freeze("shop").reason.startswith(f"{account} lifted the freeze")
    assert all(before < kept.at < before + timedelta(hours=1) for kept in found)


def test_the_gate_promotes_what_a_run_registered_once(shop: State) -> None:
    name = held(shop, 3)
    with pytest.raises(Conflict, match="registered no version"):
        shop.models.promote_blessed("shop", name, driving(shop, name))
    change_run(shop, name, version=3)
    with pytest.raises(Conflict, match="the gate held version 3"):
        shop.models.promote_blessed("shop", name, driving(shop, name))
    change_run(shop, run().id, version=2)
    with pytest.raises(Conflict, match="not that of run"):
        shop.models.promote_blessed("shop", run().id, driving(shop, name))
    stale, lease = driving(shop, run().id), driving(shop, run().id, OTHER)
    with pytest.raises(StaleLease):
        shop.models.promote_blessed("shop", run().id, stale)
    first = shop.models.promote_blessed("shop", run().id, lease)
    assert (first.version, first.by, first.reason, first.previous) == (2, "gate", "why", None)
    assert shop.models.promote_blessed("shop", run().id, lease) == first
    shop.models.promote("shop", 1, reason="a rollback")
    assert shop.models.promote_blessed("shop", run().id, lease) == first
    champion = shop.models.champion("shop")
    assert champion is not None
    assert champion.version == 1
    with pytest.raises(NotFound):
        shop.models.promote_blessed("shop", "nothing", driving(shop, "nothing"))


def test_the_gate_promotes_nothing_that_was_judged_against_another_champion(shop: State) -> None:
    shop.models.promote("shop", 1)
    change_run(shop, run().id, version=2)
    with pytest.raises(Conflict, match="judged against no champion, but the champion is version 1"):
        shop.models.promote_blessed("shop", run().id, driving(shop, run().id))


def test_what_a_person_decides_is_no_decision_of_the_guard(shop: State) -> None:
    for rule in ("reset", "unfreeze"):
        with pytest.raises(InvalidData, match="a command of its own"):
            shop.monitoring.add_decision(replace(decision("t", go=False), rule=rule))
    kept = shop.monitoring.lift_freeze("shop", "k")
    assert shop.monitoring.lift_freeze("shop", "k") == kept
    assert shop.monitoring.all_decisions("shop") == [kept]


def test_an_alarm_is_answered_by_a_decision_alone(shop: State) -> None:
    kept = shop.monitoring.add_decision(decision("t", go=False))
    shop.monitoring.add_window(replace(window("w", alarm=True, day=1), handled_by=kept.id))
    assert "w" in [found.id for found in shop.monitoring.pending_alarms("shop")]


def test_a_promotion_closes_every_alarm_that_waits_and_says_so(shop: State) -> None:
    shop.models.promote("shop", 2)
    assert shop.monitoring.pending_alarms("shop") == []
    closed = shop.monitoring.all_decisions("shop")
    assert [(d.trigger_id, d.go, d.rule) for d in closed] == [("drift:1", False, "stale")]
    assert "version 2 the champion" in closed[0].reason
    assert shop.monitoring.all_windows("shop")[0].handled_by == closed[0].id
    shop.monitoring.add_window(replace(window("late", alarm=True, day=2), version=1))
    assert shop.monitoring.pending_alarms("shop") == []  # a drift job that began before
    shop.models.promote("shop", 1)
    assert shop.monitoring.pending_alarms("shop") == []
    assert len(shop.monitoring.all_decisions("shop")) == 2


def test_a_promotion_whose_answer_was_lost_is_sent_again_and_stands_once(shop: State) -> None:
    first = shop.models.promote("shop", 1, expected=None, key="k")
    shop.models.promote("shop", 2)
    assert shop.models.promote("shop", 1, expected=None, key="k") == first
    assert len(shop.models.history("shop")) == 2


def test_of_promotions_at_once_that_were_judged_alike_one_wins(shop: State) -> None:
    shop.models.register("shop", run().id, 3)
    shop.models.promote("shop", 1)
    calls: list[Callable[[], Any]] = [
        lambda number=number: shop.models.promote("shop", number, expected=1)  # type: ignore[misc]
        for number in (2, 3, 2, 3, 2, 3)
    ]
    answers = at_once(calls)
    won = {answer.version for answer in answers if isinstance(answer, Promotion)}
    assert len(won) == 1, answers
    assert sum(isinstance(answer, Conflict) for answer in answers) == 3, answers
    assert [found.version for found in shop.models.history("shop")] == [1, *won]


def test_an_alarm_is_answered_by_one_decision(shop: State) -> None:
    assert [found.id for found in shop.monitoring.pending_alarms("shop")] == ["drift:1"]
    calls: list[Callable[[], Any]] = [
        lambda: shop.monitoring.add_decision(decision("drift:1", go=False), "drift:1")
        for _ in range(8)
    ]
    answers = at_once(calls)
    kept = [answer for answer in answers if isinstance(answer, DecisionRecord)]
    assert len(kept) == 1, answers
    assert all(isinstance(answer, Conflict) for answer in answers if answer not in kept), answers
    assert shop.monitoring.all_decisions("shop") == kept
    assert shop.monitoring.pending_alarms("shop") == []
    assert shop.monitoring.all_windows("shop")[0].handled_by == kept[0].id


def test_a_controller_that_leads_no_more_keeps_no_decision(shop: State) -> None:
    secrets = [f"a-machine/{number}/{str(number) * 32}" for number in (1, 2)]
    slept = shop.leases.acquire("controller:shop", secrets[0], 600)
    assert slept is not None
    leads = shop.leases.acquire("controller:shop", secrets[1], 600, over=slept.epoch)
    with pytest.raises(StaleLease, match="controller:shop"):
        shop.monitoring.add_decision(decision("drift:1"), "drift:1", slept)
    assert shop.monitoring.all_decisions("shop") == []
    kept = shop.monitoring.add_decision(decision("drift:1", go=False), "drift:1", leads)
    assert shop.monitoring.all_decisions("shop") == [kept]


def test_a_trigger_goes_once_however_many_ask(shop: State) -> None:
    calls: list[Callable[[], Any]] = [
        lambda: shop.monitoring.add_decision(decision("merge-1", run_id=run().id)) for _ in range(8)
    ]
    answers = at_once(calls)
    assert sum(isinstance(answer, DecisionRecord) for answer in answers) == 1, answers
    shop.monitoring.add_decision(decision("merge-1", go=False))
    assert len(shop.monitoring.all_decisions("shop")) == 2


def test_a_decision_whose_answer_was_lost_is_sent_again_and_stands_once(shop: State) -> None:
    asked = decision("drift:1")
    first = shop.monitoring.add_decision(asked, "drift:1")
    assert shop.monitoring.add_decision(asked, "drift:1") == first
    with pytest.raises(NotFound, match="no watched window"):
        shop.monitoring.add_decision(decision("x", go=False), "no window")


def test_a_window_is_kept_once_unless_it_was_not_judged(shop: State) -> None:
    shop.monitoring.add_window(window("w", alarm=False, judged=False, day=1))
    shop.monitoring.add_window(window("w", alarm=True, day=1))
    shop.monitoring.add_window(window("w", alarm=False, day=1))
    found = shop.monitoring.all_windows("shop")
    assert [(w.id, w.alarm) for w in found] == [("drift:1", True), ("w", True)]
    assert found[1] == window("w", alarm=True, day=1)
    more = replace(window("w", alarm=False, day=1), figures={"rows": 700})
    shop.monitoring.add_window(more)  # rows came late: the verdict over more of them stands
    shop.monitoring.add_window(window("w", alarm=True, day=1))
    assert shop.monitoring.all_windows("shop")[1] == more


def test_only_the_newest_windows_and_decisions_are_read(shop: State) -> None:
    monitoring = shop.monitoring
    for day in range(1, 5):
        monitoring.add_window(window(f"drift:{day + 1}", alarm=False, day=day))
    other = replace(window("quality:9", alarm=False, day=9), kind="quality", version=2)
    monitoring.add_window(other)
    assert [w.id for w in monitoring.newest_windows("shop", 2)] == ["quality:9", "drift:5"]
    found = monitoring.newest_windows("shop", 2, kind="drift", version=1)
    assert [w.id for w in found] == ["drift:5", "drift:4"]
    assert monitoring.newest_windows("shop", 9, version=2) == [other]
    assert monitoring.newest_windows("nobody", 9) == []

    monitoring.add_decision(decision("first", run_id=run().id))
    for number in range(3):
        monitoring.add_decision(replace(decision("again", go=False), at=NOW, rule=f"r{number}"))
    newest = monitoring.newest_decisions("shop", 2)
    assert [d.rule for d in newest] == ["r2", "r1"]
    assert [d.rule for d in monitoring.newest_decisions("shop", 9, rule="r0")] == ["r0"]
    assert [d.go for d in monitoring.newest_decisions("shop", 9, trigger="first")] == [True]
    assert [d.trigger_id for d in monitoring.newest_decisions("shop", 9, go=True)] == ["first"]
    assert monitoring.newest_decisions("shop", 9, trigger="first", go=False) == []


def test_retrainings_are_read_with_how_their_runs_are(shop: State) -> None:
    for day in range(4):
        shop.runs.add(run(f"run-{day}", state=RunState.SUCCEEDED), "/projects/shop")
        at = NOW + timedelta(days=day)
        shop.monitoring.add_decision(replace(decision(f"t{day}", run_id=f"run-{day}"), at=at))
    shop.monitoring.add_decision(decision("refused", go=False))
    shop.runs.add(run("going", state=RunState.RUNNING), "/projects/shop")
    shop.monitoring.add_decision(decision("t9", run_id="going"))
    shop.monitoring.add_decision(decision("gone", run_id="no such run"))
    found = shop.monitoring.retrainings("shop", 3)
    assert [(r.decision.trigger_id, r.state) for r in found] == [
        ("gone", None),
        ("t9", RunState.RUNNING),
        ("t3", RunState.SUCCEEDED),
    ]
    late = shop.monitoring.retrainings("shop", 9, since=NOW + timedelta(days=1))
    assert [r.decision.trigger_id for r in late] == ["t3", "t2"]
    going = shop.monitoring.retrainings("shop", 9, unfinished=True)
    assert [r.decision.run for r in going] == ["going"]
    assert shop.monitoring.retrainings("nobody", 9, unfinished=True) == []


def test_unfinished_runs_are_found_behind_any_number_of_finished_ones(shop: State) -> None:
    for number in range(1, 5):
        states = {1: RunState.RUNNING}
        at = NOW + timedelta(days=number)
        state = states.get(number, RunState.SUCCEEDED)
        shop.runs.add(run(f"run-{number}", state=state, created_at=at), "/projects/shop")
    assert [found.id for found in shop.runs.unfinished("shop")] == ["run-1", run().id]
    assert [found.id for found in shop.runs.unfinished("shop", 1)] == ["run-1"]


def test_what_is_served_is_replaced_by_many_at_once(shop: State) -> None:
    def serve(number: int) -> Callable[[], Any]:
        record = ServedVersion("shop", number, "http://127.0.0.1:3000", None, NOW)
        return lambda: shop.monitoring.set_served(record)

    assert shop.monitoring.served("shop") is None
    assert at_once([serve(number) for number in range(6)]) == [None] * 6
    serve(7)()
    last = ServedVersion("shop", 7, "http://127.0.0.1:3000", None, NOW)
    assert shop.monitoring.served("shop") == last
    shop.monitoring.clear_served("shop")
    shop.monitoring.clear_served("shop")
    assert shop.monitoring.served("shop") is None


def test_a_story_goes_on_where_it_was(shop: State) -> None:
    told = DemoStepRecord("shop", "demo", 0, "d" * 64, {"done": True, "run": "x"}, NOW)
    assert shop.chapters.get("shop", "demo", 0) is None
    shop.chapters.keep(replace(told, digest="e" * 64))
    shop.chapters.keep(told)
    assert shop.chapters.get("shop", "demo", 0) == told


def test_many_machines_know_a_project_at_once(state: State) -> None:
    calls: list[Callable[[], Any]] = [
        lambda: state.projects.ensure("shop", "/here", NOW) for _ in range(6)
    ]
    assert at_once(calls) == [None] * 6
    assert [found.name for found in state.projects.all()] == ["shop"]


def test_steps_that_are_told_at_once_are_all_kept_and_numbered(shop: State) -> None:
    calls: list[Callable[[], Any]] = [
        lambda number=number: tell(  # type: ignore[misc]
            shop, event(f"step-{number}", StepState.SUCCEEDED), number
        )
        for number in range(8)
    ]
    assert at_once(calls) == [None] * 8
    assert len(shop.runs.steps_of("shop", run().id)) == 8
    change_run(shop, run().id, state=RunState.SUCCEEDED)
    numbers = [change.number for change in shop.runs.follow("shop", run().id) if change]
    assert len(set(numbers)) == 9


def test_bundles_are_kept_by_what_they_hold(state: State) -> None:
    assert not state.bundles.has(DIGEST)
    with pytest.raises(NotFound):
        state.bundles.get(DIGEST)
    for _ in range(2):
        state.bundles.put(DIGEST, EMPTY_TAR, NOW)
    assert state.bundles.has(DIGEST)
    assert state.bundles.get(DIGEST) == EMPTY_TAR
    with pytest.raises(InvalidData, match="does not hash"):
        state.bundles.put("0" * 64, EMPTY_TAR, NOW)


def test_odd_names_and_texts_are_kept_as_they_are(shop: State) -> None:
    odd = "x'\"; DROP TABLE runs; -- é漢\t\n%_\\"
    shop.models.promote("shop", 1, reason=odd)
    found = shop.models.champion("shop")
    assert found is not None
    assert found.reason == odd
    assert to_jsonable(found)["reason"] == odd
    with pytest.raises(NotFound):
        shop.runs.get("shop", "%")


def test_who_keeps_the_state_is_told(state: State) -> None:
    from mizzen import __version__
    from mizzen.state.database import HEAD

    about = state.about()
    assert (about.version, about.tables) == (__version__, HEAD)


def test_an_event_is_one_request_however_often_it_is_sent(shop: State) -> None:
    asked = shop.triggers.request("shop", "abc123", "merge", "merge of main")
    assert (asked.key, asked.cause, asked.reason) == ("abc123", "merge", "merge of main")
    assert (asked.state, asked.decision) == ("waiting", None)
    assert asked.by
    assert abs(asked.at - datetime.now(UTC)) < timedelta(minutes=5)  # the state's own clock
    assert shop.triggers.request("shop", "abc123", "merge", "in other words") == asked
    assert shop.triggers.get_request("shop", "abc123") == asked
    with pytest.raises(Conflict, match="used for another request"):
        shop.triggers.request("shop", "abc123", "data")
    assert shop.triggers.requests("shop", 10) == [asked]


def test_a_request_waits_until_its_trigger_is_decided(shop: State) -> None:
    shop.runs.add(replace(run("other-1"), project="other"), "/projects/other")
    for key in ("first", "second"):
        shop.triggers.request("shop", key, "merge")
    elsewhere = shop.triggers.request("other", "first", "merge")
    waiting = shop.triggers.requests("shop", 10, waiting=True)
    assert [request.key for request in waiting] == ["second", "first"]
    assert [r.key for r in shop.triggers.requests("shop", 1, waiting=True)] == ["second"]

    kept = shop.monitoring.add_decision(decision("first", go=False))
    found = shop.triggers.get_request("shop", "first")
    assert (found.state, found.decision) == ("decided", kept)
    assert shop.triggers.request("shop", "first", "merge") == found
    assert [r.key for r in shop.triggers.requests("shop", 10, waiting=True)] == ["second"]
    assert [r.state for r in shop.triggers.requests("shop", 10)] == ["waiting", "decided"]
    shop.monitoring.add_decision(decision("first", run_id=run().id))
    assert shop.triggers.get_request("shop", "first").decision == kept
    assert shop.triggers.get_request("other", "first") == elsewhere


def test_a_decision_that_is_sent_again_decides_a_request_that_came_between(shop: State) -> None:
    first = replace(decision("t-1", go=False), key="k" * 40)
    kept = shop.monitoring.add_decision(first)
    shop.triggers.request("shop", "t-1", "schedule")
    assert shop.monitoring.add_decision(replace(first, reason="another")) == kept
    assert shop.triggers.get_request("shop", "t-1").decision == kept


@pytest.mark.parametrize(
    ("key", "cause", "said"),
    [
        ("", "merge", "not a key"),
        ("a b", "merge", "not a key"),
        ("abc\n", "merge", "not a key"),
        ("é", "merge", "not a key"),
        ("x" * 81, "merge", "not a key"),
        ("../abc", "merge", "not a key"),
        ("abc", "drift", "not asked for by a request"),
        ("abc", "moon", "not asked for by a request"),
    ],
)
def test_a_request_that_nobody_could_answer_is_refused(
    tmp_path: Path, key: str, cause: str, said: str
) -> None:
    state = SqlState(open_address(f"sqlite:///{tmp_path}/state.db"))
    state.projects.ensure("shop", "/projects/shop", NOW)
    with pytest.raises(InvalidData, match=said):
        state.triggers.request("shop", key, cause)
    assert state.triggers.requests("shop", 10) == []


def test_a_request_to_a_project_that_nobody_knows_is_refused(state: State) -> None:
    with pytest.raises(NotFound, match="no project 'shop' is known"):
        state.triggers.request("shop", "abc", "merge")
    with pytest.raises(NotFound, match="nobody asked shop"):
        state.triggers.get_request("shop", "abc")


def test_one_event_that_many_send_at_once_is_one_request(shop: State) -> None:
    found = at_once([lambda: shop.triggers.request("shop", "abc", "merge")] * 8)
    assert set(map(repr, found)) == {repr(shop.triggers.get_request("shop", "abc"))}


def test_how_far_a_schedule_was_answered_is_kept_and_never_goes_back(shop: State) -> None:
    assert shop.triggers.schedule("shop") is None
    kept = ScheduleRecord("shop", "0 3 * * 1", "Europe/Berlin", NOW)
    shop.triggers.keep_schedule(kept)
    assert shop.triggers.schedule("shop") == kept
    shop.triggers.keep_schedule(replace(kept, since=NOW - timedelta(days=1)))
    assert shop.triggers.schedule("shop") == kept
    later = replace(kept, since=NOW + timedelta(days=1))
    shop.triggers.keep_schedule(later)
    assert shop.triggers.schedule("shop") == later
    changed = replace(kept, zone="UTC")  # another schedule
    shop.triggers.keep_schedule(changed)
    assert shop.triggers.schedule("shop") == changed
    shop.triggers.drop_schedule("shop")
    shop.triggers.drop_schedule("shop")
    assert shop.triggers.schedule("shop") is None
