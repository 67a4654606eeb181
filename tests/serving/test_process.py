"""The service as control starts it: a process, its load, its end and its failures."""

from __future__ import annotations

import contextlib
import shutil
import signal
import socket
import time

import pytest

from mizzen.adapters.segment_log.log import SegmentLog
from mizzen_tests.load import Clients

ROW = {"flight": 7, "at": "2013-07-01T12:00:00Z", "distance": 5, "wind": 2.5, "carrier": "UA"}


def test_what_was_answered_is_logged_though_the_service_is_killed(launch, place) -> None:
    service = launch()
    service.wait_ready()
    clients = Clients(service, 4)
    clients.wait_for(400)
    service.process.send_signal(signal.SIGKILL)
    clients.join()
    logged = [prediction.id for prediction in SegmentLog(place).read()]
    answered = {answer["prediction_id"] for answer in clients.answered}
    assert answered <= set(logged)
    assert len(logged) - len(answered) <= 4  # logged, and killed before the answer


def test_told_to_stop_under_load_it_fails_no_request(launch, place) -> None:
    service = launch("--drain", "1")
    service.wait_ready()
    clients = Clients(service, 4)
    clients.wait_for(100)
    service.process.send_signal(signal.SIGTERM)
    time.sleep(0.3)
    assert service.ask("GET", "/readyz")[0] == 503
    assert service.ask("POST", "/predict", ROW)[0] == 200
    assert service.process.wait(timeout=30) == 0
    clients.join()
    assert clients.failures == []
    assert SegmentLog(place).counts().predictions == len(clients.answered) + 1


def test_workers_share_a_port_and_sum_their_metrics(launch, place) -> None:
    service = launch("--workers", "2")
    service.wait_ready()
    for _ in range(40):
        assert service.ask("POST", "/predict", ROW)[0] == 200
    page = service.ask("GET", "/metrics")[1].decode()
    assert "mizzen_serving_rows_total 40.0" in page
    with contextlib.ExitStack() as held:  # which worker accepts one is chance
        for _ in range(30):
            held.enter_context(socket.create_connection(("127.0.0.1", service.port), 5))
        assert _soon(service, "mizzen_serving_connections 31.0")  # and the one that asks
    assert _soon(service, "mizzen_serving_connections 1.0")
    service.process.send_signal(signal.SIGTERM)
    assert service.process.wait(timeout=30) == 0
    assert SegmentLog(place).counts().predictions == 40


def _soon(service, line: str) -> bool:
    """Whether the page of metrics shows a line: a worker tells its load a few times a second."""
    for _ in range(100):
        if line in service.ask("GET", "/metrics")[1].decode().splitlines():
            return True
        time.sleep(0.1)
    return False


@pytest.mark.parametrize(
    ("damage", "told"),
    [("model.txt", "does not hold what was registered"), ("manifest.json", "holds no model")],
)
def test_a_damaged_package_is_not_served(launch, package_of, tmp_path, damage, told) -> None:
    package = tmp_path / "damaged"
    shutil.copytree(package_of("binary"), package)
    with (package / damage).open("a") as file:
        file.write("#")
    service = launch(package=package)
    assert service.process.wait(timeout=60) == 6
    assert told in service.process.communicate()[1]


def test_a_taken_port_is_one_clear_error(launch) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        service = launch(port=taken.getsockname()[1])
        assert service.process.wait(timeout=60) == 3
    errors = service.process.communicate()[1]
    assert "cannot listen" in errors
    assert "Traceback" not in errors
