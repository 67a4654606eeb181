"""The controller: each round does what is missing, one leads, and whoever slept writes nothing."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from tiny_plans import judged
from tiny_registries import with_registry
from typer.testing import CliRunner

from mizzen.cli.app import app
from mizzen.control.controller import round as rounds
from mizzen.control.controller.leadership import Leadership, leading
from mizzen.control.controller.loop import Controller, run_once
from mizzen.control.controller.round import RoundResult
from mizzen.control.controller.status import controller_status
from mizzen.control.monitoring.retrain import ask
from mizzen.control.runs.submit import PreparedRun, cancel
from mizzen.control.workspace import Workspace, open_workspace
from mizzen.core.guard import RetrainRequest
from mizzen.core.runs import RunState
from mizzen.errors import StaleLease, TemporaryError
from mizzen.project import Project
from mizzen.state.records import DecisionRecord, ScheduleRecord, WindowRecord
from mizzen_tests.driving import change_run
from mizzen_tests.shop_records import BLESSED, RUN, run

Make = Callable[..., PreparedRun]
END = datetime(2025, 6, 10, tzinfo=UTC)
PROFILE = """
apiVersion: mizzen.dev/v1
kind: Profile
lease: 2s
tracking: {runs: false, port: 0}
serving: {port: 0}
"""


@pytest.fixture
def shop(workspace: Workspace) -> Workspace:
    """A place whose leases end soon. Its champion is known to the state alone."""
    (workspace.folder / "profiles" / "local.yaml").write_text(PROFILE)
    opened = open_workspace(workspace.folder)
    ended = run(state=RunState.SUCCEEDED, evaluation=BLESSED)
    opened.state.runs.add(ended, str(opened.folder))
    opened.state.models.register("shop", RUN, 1)
    opened.state.models.promote("shop", 1)
    return opened


def alarm(workspace: Workspace, end: datetime = END) -> WindowRecord:
    start, name = end - timedelta(days=30), f"drift:shop:1:{end:%Y%m%d}"
    figures = {"rows": 1000}
    found = WindowRecord(name, "shop", start, end, 1, "drift", True, figures, None, end)
    workspace.state.monitoring.add_window(found)
    return found


def a_round(workspace: Workspace, *parts: str) -> RoundResult:
    """One round of these parts, of a controller that begins with it."""
    found = run_once(workspace, lambda _: None)
    assert found is not None
    return found


@pytest.fixture
def only(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Rounds of these parts alone."""

    def keep(*parts: str) -> None:
        monkeypatch.setattr(rounds, "PARTS", {name: rounds.PARTS[name] for name in parts})

    return keep


def until(condition: Callable[[], object], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.05)


def test_a_run_whose_driver_died_is_interrupted_in_the_next_round(
    shop: Workspace, write: Make, only: Callable[..., None]
) -> None:
    only("runs")
    going, dead = write(judged()), write(judged())
    dead.ownership.release()  # as a kill would
    assert [text.split(":")[0] for text in a_round(shop).did] == [
        f"run {dead.run.id} is interrupted"
    ]
    states = {r.id: r.state for r in shop.state.runs.newest_first("shop")}
    assert states[dead.run.id] is RunState.INTERRUPTED
    assert states[going.run.id] is RunState.QUEUED
    assert a_round(shop).did == ()
    going.ownership.release()


def test_an_alarm_becomes_a_run_of_its_own_while_the_controller_goes_on(
    shop: Workspace, only: Callable[..., None]
) -> None:
    only("alarms")
    alarm(shop)
    early = alarm(shop, END - timedelta(days=1))
    did = a_round(shop).did
    went, refused = shop.state.monitoring.all_decisions("shop")
    try:
        assert (went.go, went.trigger_id, went.at) == (True, "drift:shop:1:20250610", END)
        assert (refused.rule, refused.trigger_id) == ("running", early.id)
        assert did[0].startswith(f"{went.trigger_id}: run {went.run} begins (allowed)")
        begun = shop.state.runs.get("shop", str(went.run))
        assert not begun.state.ended
        # the window ended long ago: rows of now would say nothing about it
        assert begun.arguments["end"] == END.isoformat()
        assert a_round(shop).did == ()
    finally:
        cancel(shop, str(went.run))


def test_a_start_of_the_schedule_is_answered_once(
    shop: Workspace, only: Callable[..., None]
) -> None:
    only("schedule")
    now = datetime.now(UTC)
    start = now.replace(second=0, microsecond=0) - timedelta(minutes=10)
    cron, file = f"{start.minute} {start.hour} * * *", shop.folder / "mizzen.yaml"
    scheduled = f'triggers: [schedule]\n  schedule: {{cron: "{cron}"}}'
    file.write_text(file.read_text().replace("triggers: [drift]", scheduled))
    shop.state.triggers.keep_schedule(
        ScheduleRecord("shop", cron, "UTC", start - timedelta(hours=1))
    )
    before = DecisionRecord("shop", "t", "merge", True, "allowed", "", None, start, RUN)
    shop.state.monitoring.add_decision(before)  # a run that cools down
    described = open_workspace(shop.folder)
    (did,) = a_round(described).did
    assert did.startswith(f"schedule-{start:%FT%TZ}: not retrained (cooldown)")
    assert a_round(described).did == ()
    assert len(Project(described).decisions()) == 2


def test_a_controller_says_when_the_schedule_starts_next(
    shop: Workspace, only: Callable[..., None]
) -> None:
    only("schedule")
    file = shop.folder / "mizzen.yaml"
    scheduled = 'triggers: [schedule]\n  schedule: {cron: "0 3 1 1 *"}'
    file.write_text(file.read_text().replace("triggers: [drift]", scheduled))
    upcoming = f"{datetime.now(UTC).year + 1}-01-01T03:00:00Z"
    found = a_round(open_workspace(shop.folder))
    assert found.waits == (f"the schedule's next start, {upcoming}",)


def test_a_stored_request_is_answered_once(shop: Workspace, only: Callable[..., None]) -> None:
    only("requests")
    Project(shop).request_retraining(cause="merge", key="4f2a", reason="merged")
    did = a_round(shop).did
    assert len(did) == 1
    assert did[0].startswith("4f2a: not retrained (cause): retraining.triggers lists drift")
    assert a_round(shop).did == ()
    (decision,) = shop.state.monitoring.all_decisions("shop")
    assert (decision.trigger_id, decision.go) == ("4f2a", False)


def interrupted(shop: Workspace, trigger: str = "drift:1") -> str:
    """A retraining whose process was killed before its first step."""
    asked = ask(shop, RetrainRequest(trigger, "drift", version=1), END)
    assert not isinstance(asked, DecisionRecord)
    asked[1].ownership.release()
    return asked[1].run.id


def test_an_interrupted_retraining_is_resumed_a_bounded_number_of_times(
    shop: Workspace, only: Callable[..., None]
) -> None:
    only("runs", "interrupted")
    name = interrupted(shop)
    did = a_round(shop).did
    try:
        assert did[1] == f"run {name} is resumed, attempt 2 of 3"
        resumed = shop.state.runs.get("shop", name)
        assert (resumed.state.ended, resumed.attempts) == (False, 2)
        assert a_round(shop).did == ()
    finally:
        cancel(shop, name)
    change_run(shop.state, name, state=RunState.INTERRUPTED, attempts=3)
    given_up = a_round(shop)
    assert given_up.did == ()
    assert given_up.waits == (
        f"a person to look at run {name}, which was interrupted 3 times: mizzen runs resume {name}",
    )


def test_an_error_of_one_part_keeps_no_other_from_being_done(
    shop: Workspace, write: Make, only: Callable[..., None]
) -> None:
    only("champion", "runs", "alarms")
    dead = write(judged())
    dead.ownership.release()
    away = with_registry(shop, "http://127.0.0.1:9")
    controller = Controller(away, lambda _: None)
    first = controller.once()
    assert first is not None
    assert "127.0.0.1:9" in first.errors["champion"]
    assert first.did
    second = controller.once()  # not tried again at once
    assert second is not None
    assert second.errors == first.errors
    status = controller_status(shop)
    (problem,) = status.problems
    assert (problem.part, problem.what) == ("champion", first.errors["champion"])
    assert problem.again > problem.since
    assert status.did[0].what == first.did[0]
    shown = CliRunner().invoke(app, ["status", "-C", str(shop.folder)]).stdout
    assert f"controller: {status.leader} leads, last round" in shown
    assert "error in champion, since" in shown
    assert f"run {dead.run.id} is interrupted" in shown
    controller.end()
    shown = CliRunner().invoke(app, ["status", "-C", str(shop.folder)]).stdout
    assert "controller: none leads; start one: mizzen up" in shown


def test_of_two_controllers_one_leads_and_the_other_says_who(
    shop: Workspace, only: Callable[..., None]
) -> None:
    only("runs")
    here, there = Controller(shop, lambda _: None), Controller(shop, lambda _: None)
    assert here.once() is not None
    assert there.once() is None
    refused = CliRunner().invoke(app, ["controller", "--once", "-C", str(shop.folder)])
    assert refused.exit_code == TemporaryError.exit_code
    assert "another controller leads" in refused.stderr
    here.end()
    assert there.once() is not None
    there.end()


def test_a_demo_leads_in_place_of_the_controller(
    shop: Workspace, only: Callable[..., None]
) -> None:
    only("runs")
    controller = Controller(shop, lambda _: None)
    assert controller.once() is not None
    with leading(shop):
        time.sleep(0.6)  # a controller renews its lease after a quarter of its time
        assert controller.once() is None
        assert controller.once() is None
    assert controller.once() is not None
    controller.end()


def test_a_controller_that_leads_no_more_decides_nothing(shop: Workspace) -> None:
    leadership = Leadership(shop)
    lease = leadership.lead()
    assert lease is not None
    stored = alarm(shop)
    request = RetrainRequest(stored.id, "drift", version=1)
    with leading(shop), pytest.raises(StaleLease):
        ask(shop, request, END, stored.id, lease=lease)
    assert shop.state.monitoring.all_decisions("shop") == []
    assert [w.id for w in shop.state.monitoring.pending_alarms("shop")] == [stored.id]
    assert all(r.state.ended for r in shop.state.runs.newest_first("shop"))


@contextmanager
def started(workspace: Workspace, log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A controller as the stack starts it."""
    words = ["mizzen.control.controller", str(workspace.folder), workspace.profile]
    with log.open("wb") as output:
        process = subprocess.Popen([sys.executable, "-m", *words], stdout=output, stderr=output)
    try:
        yield process
    finally:
        process.send_signal(signal.SIGCONT)
        process.terminate()
        process.wait(60)


def test_a_leader_that_slept_past_its_lease_wakes_and_writes_nothing(
    workspace: Workspace, write: Make, tmp_path: Path
) -> None:
    (workspace.folder / "profiles" / "local.yaml").write_text(PROFILE)
    shop = open_workspace(workspace.folder)

    def leads(process: subprocess.Popen[bytes]) -> bool:
        found = controller_status(shop)
        return (found.leader or "").endswith(f"/{process.pid}") and found.at is not None

    logs = tmp_path / "first.log", tmp_path / "second.log"
    with started(shop, logs[0]) as first:
        until(lambda: leads(first))
        first.send_signal(signal.SIGSTOP)
        with started(shop, logs[1]) as second:
            until(lambda: leads(second))
            epoch = shop.state.leases.get("controller:shop")
            dead = write(judged())
            dead.ownership.release()
            until(lambda: shop.state.runs.get("shop", dead.run.id).state is RunState.INTERRUPTED)
            first.send_signal(signal.SIGCONT)
            until(lambda: "another controller leads by now" in logs[0].read_text())
            known = shop.state.leases.get("controller:shop")
            assert epoch is not None
            assert known is not None
            assert (known.epoch, known.driver) == (epoch.epoch, epoch.driver)
            assert leads(second)
    assert "is interrupted" not in logs[0].read_text()
    assert controller_status(shop).leader is None  # each let go of what it held


def test_a_description_that_is_wrong_ends_no_controller(
    shop: Workspace, only: Callable[..., None]
) -> None:
    only("runs")
    told: list[str] = []
    controller = Controller(shop, told.append)
    assert controller.once() is not None
    file = shop.folder / "mizzen.yaml"
    good = file.read_text()
    file.write_text("nothing: of it")
    assert controller.once() is not None
    assert "goes on with the project as it was" in told[-1]
    file.write_text(good)
    assert controller.once() is not None
    controller.end()


def test_a_round_leaves_no_large_library_in_the_process(shop: Workspace) -> None:
    alarm(shop)
    found = subprocess.run(
        [sys.executable, "-c", ROUND, str(shop.folder)], capture_output=True, text=True, check=False
    )
    assert found.returncode == 0, found.stderr
    assert found.stdout.split() == ["1", "[]"]
    (decision,) = shop.state.monitoring.all_decisions("shop")
    cancel(shop, str(decision.run))


ROUND = """
import sys
from pathlib import Path
from mizzen.control.controller import round as rounds
from mizzen.control.controller.loop import run_once
rounds.PARTS.pop("champion")  # the registry knows no version in this test
rounds.PARTS.pop("windows")  # its process ends with the controller
from mizzen.control.workspace import open_workspace
workspace = open_workspace(Path(sys.argv[1]))
run_once(workspace, lambda _: None)
large = ("mlflow", "feast", "pandas", "sqlalchemy", "kfp", "dvc", "torch", "lightgbm", "evidently")
print(len(workspace.state.monitoring.all_decisions("shop")), [m for m in large if m in sys.modules])
"""
