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

from mizzen.control.models.deploy import outlive

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
