"""The local stack: starts once, says what is in its way, and leaves nothing behind."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from mizzen.control.controller.status import controller_status
from mizzen.control.doctor import diagnose_door
from mizzen.control.stack import stack
from mizzen.control.stack.files import StackFiles
from mizzen.control.stack.probes import ask
from mizzen.control.workspace import Workspace, open_workspace
from mizzen.errors import Conflict


@pytest.fixture
def elsewhere(workspace: Workspace) -> Iterator[Workspace]:
    """A place whose page is somebody else's, so that only the supervisor is started."""
    (workspace.folder / "profiles" / "local.yaml").write_text(
        "apiVersion: mizzen.dev/v1\nkind: Profile\n"
        "tracking: {runs: false, uri: 'http://127.0.0.1:9'}\nserving: {port: 0}\nlease: 2s\n"
    )
    opened = open_workspace(workspace.folder)
    yield opened
    stack.down(opened)


def test_up_and_down_may_each_be_called_twice(elsewhere: Workspace) -> None:
    told: list[str] = []
    first = stack.up(elsewhere, told.append)
    assert told == ["waiting for the supervisor to start"]
    assert first.running
    assert first.version is None
    pid = StackFiles(elsewhere).status()["pid"]
    assert stack.up(elsewhere).running
    assert StackFiles(elsewhere).status()["pid"] == pid
    assert stack.down(elsewhere)
    assert not stack.down(elsewhere)
    assert not stack.status(elsewhere).running
    assert os.waitpid(pid, 0) == (pid, 0)  # it ended by itself, without an error


def test_the_stack_keeps_a_controller_running(elsewhere: Workspace) -> None:
    def controller() -> dict[str, Any]:
        return dict(StackFiles(elsewhere).status().get("controller", {}))

    def becomes(condition: Callable[[], object]) -> None:
        end = time.monotonic() + 120
        while not condition():
            assert time.monotonic() < end, "it did not happen"
            time.sleep(0.05)

    stack.up(elsewhere)
    first = controller()["pid"]
    becomes(lambda: (controller_status(elsewhere).leader or "").endswith(f"/{first}"))
    os.kill(first, signal.SIGKILL)
    becomes(lambda: controller().get("pid") not in {None, first})
    second = controller()["pid"]
    becomes(lambda: (controller_status(elsewhere).leader or "").endswith(f"/{second}"))
    stack.down(elsewhere)
    assert controller_status(elsewhere).leader is None  # it let go of its lease
    with pytest.raises(ProcessLookupError):
        os.kill(second, 0)


def test_a_killed_supervisor_is_no_running_stack(elsewhere: Workspace) -> None:
    stack.up(elsewhere)
    os.kill(StackFiles(elsewhere).status()["pid"], signal.SIGKILL)
    until = time.monotonic() + 30
    while stack.status(elsewhere).running and time.monotonic() < until:
        time.sleep(0.05)
    assert not stack.status(elsewhere).running
    assert stack.up(elsewhere).running


def test_up_says_what_it_waits_for() -> None:
    page = {"page": {"address": "http://127.0.0.1:5000"}, "service": {}}
    assert stack.waits_for({}, 3) == "waiting for the supervisor to start"
    assert stack.waits_for(page, 3) == "waiting for version 3 to load and answer"
    served = {**page, "service": {"version": 3}}
    assert stack.waits_for(served, 3) == "waiting for MLflow's page at http://127.0.0.1:5000"


@pytest.mark.parametrize(
    ("serving", "level", "told"),
    [
        ("{host: 127.0.0.1}", "ok", "listens on this machine only"),
        ("{host: 0.0.0.0, port: 3999}", "warning", "anyone who reaches 0.0.0.0:3999"),
        ("{host: '::', tokens: callers.txt}", "ok", "1 may ask"),
        ("{tokens: none.txt}", "error", "cannot be used"),
    ],
)
def test_the_doctor_reports_an_open_service(
    workspace: Workspace, serving: str, level: str, told: str
) -> None:
    (workspace.folder / "callers.txt").write_text("shop a-token-of-the-tests\n")
    (workspace.folder / "profiles" / "local.yaml").write_text(
        f"apiVersion: mizzen.dev/v1\nkind: Profile\nserving: {serving}\n"
    )
    found = diagnose_door(open_workspace(workspace.folder))
    assert (found.level, found.subject) == (level, "service")
    assert told in found.found


@pytest.mark.parametrize("what", ["serving", "tracking"])
def test_a_taken_port_is_named_with_where_to_change_it(workspace: Workspace, what: str) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        ports = {"serving": 0, "tracking": 0, what: port}
        (workspace.folder / "profiles" / "local.yaml").write_text(
            "apiVersion: mizzen.dev/v1\nkind: Profile\n"
            + "".join(f"{name}: {{port: {number}}}\n" for name, number in ports.items())
        )
        with pytest.raises(Conflict) as caught:
            stack.up(open_workspace(workspace.folder))
    assert f"127.0.0.1:{port}" in str(caught.value)
    assert f"`{what}.port`" in str(caught.value)
    assert not StackFiles(workspace).alive()


@pytest.mark.slow
def test_the_page_answers_while_the_stack_is_up_and_nothing_stays(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stack, "UP_SECONDS", 600)  # MLflow's imports beside other tests
    try:
        found = stack.up(workspace)
        assert found.page is not None, found.notes
        assert ask(f"{found.page}/health") is not None
    finally:
        stack.down(workspace)
    assert ask(f"{found.page}/health") is None
    assert _processes_below(workspace.place.home) == []


def _processes_below(home: Path) -> list[str]:
    if not sys.platform.startswith("linux"):
        return []
    done = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True)
    return [line for line in done.stdout.splitlines() if str(home) in line]
