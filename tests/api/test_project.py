"""A project whose profile names a control API: commands and notebooks work as before, and other
machines see what happens."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from mizzen.control.monitoring.retrain import ask
from mizzen.control.monitoring.tick import request_of
from mizzen.control.runs import submit
from mizzen.control.runs.request import RunRequest
from mizzen.control.scaffold import create
from mizzen.control.workspace import open_workspace
from mizzen.core.plan import Plan
from mizzen.core.runs import RunState
from mizzen.errors import Conflict, InvalidProject, NotFound, StaleLease
from mizzen.project import Project
from mizzen.state.database import HEAD
from mizzen.state.records import WindowRecord
from mizzen_tests.api_server import ApiServer
from mizzen_tests.driving import change_run, driving
from mizzen_tests.shop_records import NOW, RUN, run


def with_profile(folder: Path, text: str) -> Path:
    head = "apiVersion: mizzen.dev/v1\nkind: Profile\n"
    common = "tracking: {runs: false, port: 0}\nserving: {port: 0}\n"
    (folder / "profiles" / "local.yaml").write_text(head + common + text)
    return folder


@pytest.fixture
def shop(tmp_path: Path, api: ApiServer) -> Path:
    """A new project in a folder with a space."""
    return with_profile(
        create(tmp_path / "my projects" / "shop"), f"control: {{url: {api.address}}}"
    )


@pytest.fixture
def other_machine(shop: Path, tmp_path: Path) -> Path:
    """The same project elsewhere, with a home of its own."""
    return Path(shutil.copytree(shop, tmp_path / "elsewhere" / "shop"))


def mizzen(folder: Path, *words: str, status: int = 0) -> Any:
    done = subprocess.run(
        [sys.executable, "-m", "mizzen", *words, "--json"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == status, done.stdout + done.stderr
    return json.loads(done.stdout)


@pytest.mark.slow
def test_a_journey_through_the_control_api(shop: Path, other_machine: Path) -> None:
    trained = mizzen(shop, "run", "--title", "through the API")
    assert not list((shop / ".mizzen").glob("state.db*"))
    run_id = trained["run"]["id"]

    (listed,) = mizzen(other_machine, "runs", "list")["runs"]
    assert (listed["id"], listed["state"]) == (run_id, "succeeded")
    shown = mizzen(other_machine, "runs", "show", run_id, "--follow")
    assert {step["state"] for step in shown["steps"]} == {"succeeded"}
    assert mizzen(other_machine, "models", "list")["champion"]["version"] == 1
    assert [p["version"] for p in mizzen(shop, "models", "history")["promotions"]] == [1]
    assert mizzen(shop, "models", "promote", "1")["version"] == 1

    archive = open_workspace(other_machine).state.bundles.get(listed["code"])
    assert hashlib.sha256(archive).hexdigest() == listed["code"]
    again = mizzen(shop, "run")
    assert {step["state"] for step in again["steps"]} == {"cached"}
    assert mizzen(other_machine, "models", "list")["champion"]["version"] == 1


def test_the_doctor_tells_who_answers_and_what_is_wrong(
    shop: Path, api: ApiServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mizzen import __version__

    def state_of(project: Project) -> Any:
        return next(found for found in project.doctor() if found.subject == "state")

    found = state_of(Project.open(shop))
    assert (found.level, found.found) == (
        "ok",
        f"{api.address} answers: Mizzen {__version__}, tables {HEAD}",
    )
    monkeypatch.setenv("MIZZEN_API_TOKEN", "wrong")
    found = state_of(Project.open(shop))
    assert (found.level, "refuses the token" in found.found) == ("error", True)
    monkeypatch.delenv("MIZZEN_API_TOKEN")
    assert "MIZZEN_API_TOKEN is not set" in state_of(Project.open(shop)).found


def test_a_run_of_another_machine_is_not_declared_dead_before_its_lease_ended(shop: Path) -> None:
    here = open_workspace(shop)
    here.state.runs.add(run(folder="/another/machine/runs/1"), "/another/machine")
    change_run(here.state, RUN, state=RunState.RUNNING)
    project = Project(here)
    assert project.runs()[0].state is RunState.RUNNING  # as long as its driver renews its lease
    here.state.leases.release(driving(here.state, RUN))
    assert project.runs()[0].state is RunState.INTERRUPTED
    with pytest.raises(NotFound, match="/another/machine/runs/1"):
        project.resume(RUN)
    with pytest.raises(NotFound):
        project.logs(RUN, "train")


def test_a_run_of_another_machine_is_cancelled_and_its_driver_writes_nothing_more(
    shop: Path,
) -> None:
    here = open_workspace(shop)
    here.state.runs.add(run(folder="/another/machine/runs/1"), "/another/machine")
    lease = driving(here.state, RUN)
    here.state.runs.change("shop", RUN, lease, state=RunState.RUNNING)
    assert Project(here).cancel(RUN).state is RunState.CANCELLED
    with pytest.raises(StaleLease):
        here.state.runs.change("shop", RUN, lease, state=RunState.SUCCEEDED)
    with pytest.raises(Conflict, match="has ended"):
        Project(here).cancel(RUN)


def test_a_run_of_this_machine_that_died_is_told_to_all(shop: Path, other_machine: Path) -> None:
    here = open_workspace(shop)
    ready = submit.write_down(here, RunRequest(), Plan("training", (), ()), {}, NOW)
    here.state.runs.change("shop", ready.run.id, ready.lease, state=RunState.RUNNING)
    assert Project(here).runs()[0].state is RunState.RUNNING
    ready.ownership.release()
    assert Project(here).runs()[0].state is RunState.INTERRUPTED
    state = open_workspace(other_machine).state
    assert state.runs.get("shop", ready.run.id).state is RunState.INTERRUPTED


def test_two_machines_that_see_an_alarm_start_one_run(
    shop: Path, other_machine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here, there = open_workspace(shop), open_workspace(other_machine)
    here.state.projects.ensure("shop", str(shop), NOW)
    alarm = WindowRecord("drift:1", "shop", None, NOW, 1, "drift", True, {}, None, NOW)
    here.state.monitoring.add_window(alarm)
    request, answers = request_of("drift", "drift:1", NOW), []
    prepare = submit.prepare

    def while_the_other_answers(*given: Any) -> submit.PreparedRun:
        monkeypatch.setattr("mizzen.control.monitoring.retrain.prepare", prepare)
        answers.append(ask(there, request, NOW, "drift:1"))
        return prepare(*given)

    monkeypatch.setattr("mizzen.control.monitoring.retrain.prepare", while_the_other_answers)
    answers.append(ask(here, request, NOW, "drift:1"))
    first, second = answers
    assert isinstance(first, tuple)
    assert second == first[0]
    assert len(here.state.monitoring.all_decisions("shop")) == 1
    states = {found.id: found.state for found in here.state.runs.newest_first("shop")}
    assert states.pop(first[1].run.id) is RunState.QUEUED
    assert list(states.values()) == [RunState.CANCELLED]


def test_a_profile_says_once_where_the_state_is(shop: Path) -> None:
    with_profile(shop, "control: {url: http://localhost:1}\nstate: sqlite:////tmp/x.db\n")
    with pytest.raises(InvalidProject, match="give one"):
        open_workspace(shop)


def test_an_authority_is_found_from_any_folder(shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with_profile(shop, "control: {url: https://localhost:1, ca_file: profiles/ca.pem}\n")
    monkeypatch.chdir("/")
    found = open_workspace(shop).place.profile.control.ca_file
    assert found == str(shop / "profiles" / "ca.pem")


def test_steps_get_the_address_and_never_the_token(shop: Path) -> None:
    place = open_workspace(shop).place.to_environment()["MIZZEN_PLACE"]
    assert "127.0.0.1" in place
    assert os.environ["MIZZEN_API_TOKEN"] not in place


def test_a_laptop_without_an_api_loads_nothing_of_it(tmp_path: Path) -> None:
    folder = with_profile(create(tmp_path / "shop"), "")
    code = (
        "import sys; from pathlib import Path; from mizzen.project import Project;"
        "p = Project.open(Path(sys.argv[1])); p.runs(); p.models(); p.windows(); "
        "print([n for n in sys.modules if 'remote' in n or n in ('http.client', 'ssl', 'fastapi')])"
    )
    for _ in range(2):  # the first makes the tables, with SQLAlchemy
        done = subprocess.run(
            [sys.executable, "-c", code, str(folder)], capture_output=True, text=True, check=True
        )
    assert done.stdout.strip() == "[]"
