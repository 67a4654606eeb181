"""Clients of a service under load, as a balancer has them."""

from __future__ import annotations

import http.client
import json
import threading
import time
from typing import Any

ROW = {"flight": 7, "at": "2013-07-01T12:00:00Z", "distance": 5, "wind": 2.5, "carrier": "UA"}
JSON = {"Content-Type": "application/json"}


class Clients:
    """Threads that send rows until told to stop or to go away: `count` of them over kept
    connections, `fresh` with a new connection for each row, until none is taken any more."""

    def __init__(self, service: Any, count: int, fresh: int = 0) -> None:
        self.answered: list[str] = []
        self.failures: list[str] = []
        self._service = service
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._run) for _ in range(count)]
        self._threads += [threading.Thread(target=self._run_fresh) for _ in range(fresh)]
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

    def _run_fresh(self) -> None:
        while not self._stop.is_set():
            connection = self._service.connect()
            try:
                connection.connect()
            except OSError:
                return  # refused: a balancer asks another process, and nothing is lost
            try:
                connection.request("POST", "/predict", json.dumps(ROW), JSON)
                answer = connection.getresponse()
                body = json.loads(answer.read())
            except (OSError, http.client.HTTPException) as error:
                self.failures.append(f"new connection: {error!r}")
                return
            finally:
                connection.close()
            if answer.status == 200:
                self.answered.append(body["prediction_id"])
            else:
                self.failures.append(f"{answer.status} {body}")
