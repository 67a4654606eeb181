"""The service as control starts it: a process, its load, its end and its failures."""

from __future__ import annotations

import http.client
import json
import shutil
import signal
import socket
import threading
import time

import pytest

from mizzen.adapters.segment_log.log import SegmentLog

ROW = {"flight": 7, "at": "2013-07-01T12:00:00Z", "distance": 5, "wind": 2.5, "carrier": "UA"}
JSON = {"Content-Type": "application/json"}


class Clients:
    """Threads that send rows over kept connections until told to stop or to go away."""

    def __init__(self, service, count: int) -> None:
        self.answered: list[str] = []
        self.failures: list[str] = []
        self._service = service
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._run) for _ in range(count)]
        for thread in self._threads:
            thread.start()

    def wait_for(self, answers: int) -> None:
        deadline = time.monotonic() + 60
        while len(self.answered) < answers and time.monotonic() < deadline:
            time.sleep(0.01)
        assert len(self.answered) >= answers, self.failures

    def join(self) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _run(self) -> None:
        connection = self._service.connect()
        while not self._stop.is_set():
            try:
                connection.request("POST", "/predict", json.dumps(ROW), JSON)
                answer = connection.getresponse()
                body = json.loads(answer.read())
            except (OSError, http.client.HTTPException) as error:
                self.failures.append(repr(error))
                return
            if answer.status != 200:
                self.failures.append(f"{answer.status} {body}")
            else:
                self.answered.append(body["prediction_id"])
            if answer.headers.get("Connection") == "close":
                return  # a balancer sends its next request to another process


def test_what_was_answered_is_logged_though_the_service_is_killed(launch, place) -> None:
    service = launch()
    service.wait_ready()
    clients = Clients(service, 4)
    clients.wait_for(400)
    service.process.send_signal(signal.SIGKILL)
    clients.join()
    logged = [prediction.id for prediction in SegmentLog(place).read()]
    assert set(clients.answered) <= set(logged)
    assert len(logged) - len(clients.answered) <= 4  # logged, and killed before the answer


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
    service.process.send_signal(signal.SIGTERM)
    assert service.process.wait(timeout=30) == 0
    assert SegmentLog(place).counts().predictions == 40


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
