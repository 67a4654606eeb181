"""Clients of a service under load, as a balancer has them."""

from __future__ import annotations

import http.client
import json
import threading
import time
from typing import Any, NamedTuple

ROW = {"flight": 7, "at": "2013-07-01T12:00:00Z", "distance": 5, "wind": 2.5, "carrier": "UA"}
JSON = {"Content-Type": "application/json"}


class Question(NamedTuple):
    """What clients send; the answer is a document."""

    method: str
    path: str
    headers: dict[str, str]
    body: str | None = None


PREDICT = Question("POST", "/predict", JSON, json.dumps(ROW))


class Clients:
    """Threads that ask until told to stop or to go away: `count` of them over kept connections,
    `fresh` with a new connection for each question, until none is taken any more."""

    def __init__(
        self, service: Any, count: int, fresh: int = 0, question: Question = PREDICT
    ) -> None:
        self.answered: list[Any] = []
        self.failures: list[str] = []
        self._service, self._question = service, question
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
            answer = self._ask(connection, "kept")
            if answer is None or answer.headers.get("Connection") == "close":
                return  # a balancer sends its next request to another process

    def _run_fresh(self) -> None:
        while not self._stop.is_set():
            connection = self._service.connect()
            try:
                connection.connect()
            except OSError:
                return  # refused: a balancer asks another process, and nothing is lost
            answer = self._ask(connection, "new")
            connection.close()
            if answer is None:
                return

    def _ask(
        self, connection: http.client.HTTPConnection, kind: str
    ) -> http.client.HTTPResponse | None:
        asked = self._question
        try:
            connection.request(asked.method, asked.path, asked.body, asked.headers)
            answer = connection.getresponse()
            body = json.loads(answer.read())
        except (OSError, http.client.HTTPException) as error:
            self.failures.append(f"{kind} connection: {error!r}")
            return None
        if answer.status == 200:
            self.answered.append(body)
        else:
            self.failures.append(f"{answer.status} {body}")
        return answer
