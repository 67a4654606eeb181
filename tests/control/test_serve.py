"""`mizzen serve` ends together with its service, and with the service's status."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator

import pytest
from typer.testing import CliRunner

from mizzen.cli.app import app
from mizzen.control.models.deploy import outlive
from mizzen.control.stack.stack import status
from mizzen.control.workspace import Workspace

ANNOUNCED = """
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from mizzen.control.stack.foreground import announced
from mizzen.control.workspace import open_workspace
class Ready(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200 if self.path == "/readyz" else 404)
        self.end_headers()
    def log_message(self, *_):
        pass
server = HTTPServer(("127.0.0.1", 0), Ready)
address = f"http://127.0.0.1:{server.server_port}"
with announced(open_workspace(Path(sys.argv[1])), int(sys.argv[2]), address):
    print(address, flush=True)
    server.serve_forever()
"""
SIGNALS = [signal.SIGTERM, signal.SIGHUP, signal.SIGINT]
# A service that needs a moment to leave, as a real one that drains.
PATIENT = """
import signal, sys, time
def leave(number, frame):
    time.sleep(0.2)
    sys.exit({status})
signal.signal(signal.SIGTERM, leave)
for number in (signal.SIGHUP, signal.SIGINT):
    signal.signal(number, signal.SIG_IGN)
print("ready", flush=True)
time.sleep(600)
"""


@pytest.fixture(params=SIGNALS, ids=lambda number: number.name)
def number(request: pytest.FixtureRequest) -> Iterator[signal.Signals]:
    """A signal that is heard here, however the tests were started (`nohup` ignores SIGHUP)."""
    before = signal.signal(request.param, signal.default_int_handler)
    yield request.param
    signal.signal(request.param, before)


@pytest.fixture
def started() -> Iterator[list[subprocess.Popen[bytes]]]:
    processes: list[subprocess.Popen[bytes]] = []
    yield processes
    for process in processes:
        process.kill()
        process.communicate()


def service(started: list[subprocess.Popen[bytes]], status: int = 0) -> subprocess.Popen[bytes]:
    """One that is running, in a session of its own as `serve` starts it."""
    words = [sys.executable, "-c", PATIENT.format(status=status)]
    process = subprocess.Popen(words, stdout=subprocess.PIPE, start_new_session=True)
    started.append(process)
    assert process.stdout is not None
    assert process.stdout.readline() == b"ready\n"
    return process


def signal_once_heard(number: int) -> None:
    """Signal this process as soon as it has its handler for it."""
    while signal.getsignal(number) is signal.default_int_handler:
        time.sleep(0.01)
    os.kill(os.getpid(), number)


@pytest.mark.parametrize("status", [0, 3])
def test_each_signal_to_stop_is_passed_on_and_the_service_is_waited_for(
    number: int, started: list[subprocess.Popen[bytes]], status: int
) -> None:
    process = service(started, status)
    sender = threading.Thread(target=signal_once_heard, args=[number], daemon=True)
    sender.start()
    assert outlive(process) == status
    assert process.returncode == status
    sender.join()
    assert signal.getsignal(number) is signal.default_int_handler


def test_a_service_that_does_not_listen_to_signals_yet_is_stopped_with_success(
    number: int, started: list[subprocess.Popen[bytes]]
) -> None:
    started.append(subprocess.Popen(["sleep", "600"], start_new_session=True))
    threading.Thread(target=signal_once_heard, args=[number], daemon=True).start()
    assert outlive(started[-1]) == 0


@pytest.mark.parametrize("status", [0, 5])
def test_a_service_that_ends_by_itself_gives_its_status(
    started: list[subprocess.Popen[bytes]], status: int
) -> None:
    words = [sys.executable, "-c", f"raise SystemExit({status})"]
    started.append(subprocess.Popen(words))
    assert outlive(started[-1]) == status


def announce(
    started: list[subprocess.Popen[bytes]], workspace: Workspace, version: int
) -> tuple[subprocess.Popen[bytes], str]:
    """A process that serves as `mizzen serve` does, and its address."""
    words = [sys.executable, "-c", ANNOUNCED, str(workspace.folder), str(version)]
    process = subprocess.Popen(words, stdout=subprocess.PIPE)
    started.append(process)
    assert process.stdout is not None
    return process, process.stdout.readline().decode().strip()


def test_status_knows_what_is_served_in_the_foreground_and_forgets_what_was_killed(
    workspace: Workspace, started: list[subprocess.Popen[bytes]]
) -> None:
    assert status(workspace).foreground == ()
    first, one = announce(started, workspace, 1)
    second, other = announce(started, workspace, 2)
    found = status(workspace)
    assert not found.running
    assert [(s.version, s.address, s.pid, s.ready) for s in found.foreground] == [
        (1, one, first.pid, True),
        (2, other, second.pid, True),
    ]
    first.kill()
    first.wait()
    assert [s.version for s in status(workspace).foreground] == [2]
    second.send_signal(signal.SIGSTOP)  # alive, and it answers nobody
    assert [(s.version, s.ready) for s in status(workspace).foreground] == [(2, False)]
    second.kill()
    second.wait()
    assert status(workspace).foreground == ()


def test_status_shows_it_to_people_and_what_killed_ones_left_is_cleared_up(
    workspace: Workspace, started: list[subprocess.Popen[bytes]]
) -> None:
    killed, _ = announce(started, workspace, 1)
    killed.kill()
    killed.wait()
    assert len(list((workspace.place.home / "serve").iterdir())) == 1
    process, address = announce(started, workspace, 2)
    assert len(list((workspace.place.home / "serve").iterdir())) == 1
    shown = CliRunner().invoke(app, ["status", "-C", str(workspace.folder)])
    assert shown.exit_code == 0, shown.output
    assert f"{address}  version 2, process {process.pid}" in shown.stdout
    assert "nothing runs" not in shown.stdout
