"""How a service ends: with no failed request, without an orphan, not because of one worker."""

from __future__ import annotations

import json
import os
import signal
import time
from pathlib import Path

import pytest

from mizzen.adapters.local_runner.processes import children
from mizzen.adapters.segment_log.log import SegmentLog
from mizzen_tests import soak
from mizzen_tests.load import ROW, Clients

SOAK_REQUESTS = 5_000  # of each of ten stops


def wait_until(true, seconds: float = 180) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it never came"
        time.sleep(0.05)


def is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.soak
@pytest.mark.parametrize("workers", [1, 2, 3])
def test_told_to_stop_under_load_no_request_fails(launch, place, workers) -> None:
    """Neither over kept connections nor over new ones, up to the moment when none is taken."""
    answered = 0
    for _ in range(soak.examples(1, 10)):
        service = launch("--workers", str(workers), "--drain", "1")
        service.wait_ready()
        clients = Clients(service, 4, fresh=4)
        clients.wait_for(soak.examples(200, SOAK_REQUESTS))
        service.process.send_signal(signal.SIGTERM)
        assert service.process.wait(timeout=180) == 0, service.process.communicate()
        clients.join()
        assert clients.failures == []
        answered += len(clients.answered)
    assert SegmentLog(place).counts().predictions == answered


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
@pytest.mark.parametrize("workers", [1, 2])
def test_each_signal_to_stop_ends_all_of_it(launch, number, workers) -> None:
    service = launch("--workers", str(workers), "--drain", "0.2")
    service.wait_ready()
    below = children(service.process.pid)
    service.process.send_signal(number)
    assert service.process.wait(timeout=180) == 0
    assert not any(map(is_running, below))


def test_workers_end_when_what_started_them_is_killed(launch) -> None:
    service = launch("--workers", "2", "--drain", "0.2")
    service.wait_ready()
    below = children(service.process.pid)
    assert len(below) == 2
    service.process.kill()
    wait_until(lambda: not any(map(is_running, below)))


def test_a_killed_worker_is_replaced_while_the_others_answer(launch) -> None:
    service = launch("--workers", "2", "--drain", "0.2")
    service.wait_ready()
    assert json.loads(service.ask("GET", "/readyz")[1])["workers"] == {"ready": 2, "wanted": 2}
    victim, other = children(service.process.pid)
    os.kill(victim, signal.SIGKILL)
    wait_until(lambda: json.loads(service.ask("GET", "/readyz")[1])["workers"]["ready"] == 1)
    assert 'mizzen_serving_workers{state="ready"} 1.0' in service.ask("GET", "/metrics")[1].decode()
    for _ in range(20):
        assert service.ask("POST", "/predict", ROW)[0] == 200
    wait_until(lambda: json.loads(service.ask("GET", "/readyz")[1])["workers"]["ready"] == 2)
    assert other in children(service.process.pid)
    assert victim not in children(service.process.pid)
    service.process.send_signal(signal.SIGTERM)
    assert service.process.wait(timeout=180) == 0
    assert "a worker ended with status -9; another one starts" in service.process.communicate()[1]


def test_workers_that_end_again_and_again_end_the_service_with_a_word(launch) -> None:
    service = launch("--workers", "2", "--drain", "0.2")
    service.wait_ready()
    while service.process.poll() is None:
        for pid in children(service.process.pid):
            os.kill(pid, signal.SIGKILL)
        time.sleep(0.1)
    told = service.process.communicate()[1]
    assert service.process.returncode == 1
    assert "workers ended 5 times within 60 seconds" in told
    assert "too little memory" in told


def test_workers_that_cannot_start_end_the_service_with_their_error(
    launch, package_of, tmp_path
) -> None:
    import shutil

    package = tmp_path / "damaged"
    shutil.copytree(package_of("binary"), package)
    with (package / "model.txt").open("a") as file:
        file.write("#")
    service = launch("--workers", "2", package=package)
    assert service.process.wait(timeout=180) == 6
    assert "does not hold what was registered" in service.process.communicate()[1]
