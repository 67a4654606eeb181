"""Requests without pause from several connections, each answer counted: what a change of pods or
weights must not be felt by. Tests of the charts use it."""

from __future__ import annotations

import http.client
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from typing import Any

TIMEOUT_S = 30.0
FAILED = "failed"
Read = Callable[[bytes], str]


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked again and again; `read` makes of an answer's body what it is counted by."""

    address: tuple[str, int]
    path: str
    read: Read
    method: str = "GET"
    body: bytes | None = None
    headers: Mapping[str, str] = field(default_factory=dict)

    def over(self, connection: http.client.HTTPConnection) -> str:
        """Ask once.

        Raises:
            OSError: no answer, or one that is not 200.
        """
        connection.request(self.method, self.path, self.body, dict(self.headers))
        answer = connection.getresponse()
        body = answer.read()
        if answer.status != http.HTTPStatus.OK:
            raise OSError(f"{answer.status}: {body[:200].decode(errors='replace')}")
        return self.read(body)

    def once(self) -> str:
        """Ask once, on a connection of its own."""
        with closing(http.client.HTTPConnection(*self.address, timeout=TIMEOUT_S)) as connection:
            return self.over(connection)

    def times(self, count: int) -> Counter[str]:
        """Ask so often over one connection; an answer that is not 200 is an error."""
        with closing(http.client.HTTPConnection(*self.address, timeout=TIMEOUT_S)) as connection:
            return Counter(self.over(connection) for _ in range(count))


def shared(answers: Mapping[str, int], shares: Mapping[str, int]) -> bool:
    """Whether so many answers came from each, give or take one: Envoy takes turns, and begins anew
    whenever it hears of a change of pods, in the middle of a turn too."""
    return answers.keys() == shares.keys() and all(
        abs(answers[name] - count) <= 1 for name, count in shares.items()
    )


@dataclass(slots=True)
class Answers:
    """What came back so far. `seconds` are those of the answered requests."""

    counted: Counter[str] = field(default_factory=Counter)
    failed: list[str] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    firsts: dict[str, float] = field(default_factory=dict)  # when each answer came first
    lasts: dict[str, float] = field(default_factory=dict)  # and last; both as time.monotonic()

    def percentile(self, percent: float) -> float:
        """In milliseconds."""
        ordered = sorted(self.seconds)
        return 1000 * ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))]


@contextmanager
def load(
    request: Request, connections: int = 4, pause_s: float = 0.0, keep: bool = True
) -> Iterator[Answers]:
    """Ask until the block ends. Half of the askers keep their connection, as services do (none
    without `keep`); the others make one for each request, as scripts do."""
    answers, stop = Answers(), threading.Event()
    askers = [
        threading.Thread(
            target=_ask, args=(request, answers, stop, keep and number % 2 == 0, pause_s)
        )
        for number in range(connections)
    ]
    for asker in askers:
        asker.start()
    try:
        yield answers
    finally:
        stop.set()
        for asker in askers:
            asker.join()


def _ask(
    request: Request, answers: Answers, stop: threading.Event, keep: bool, pause_s: float
) -> None:
    connection: Any = None
    while not stop.is_set():
        begun = time.monotonic()
        try:
            if connection is None:
                connection = http.client.HTTPConnection(*request.address, timeout=TIMEOUT_S)
            told = request.over(connection)
            answers.seconds.append(time.monotonic() - begun)
            answers.firsts.setdefault(told, time.monotonic())
            answers.lasts[told] = time.monotonic()
            answers.counted[told] += 1
        except (OSError, http.client.HTTPException) as error:
            answers.failed.append(f"{time.strftime('%H:%M:%S')} {error!r}")
            keep_now = False
        else:
            keep_now = keep
        if not keep_now and connection is not None:
            connection.close()
            connection = None
        if pause_s:
            time.sleep(pause_s)
