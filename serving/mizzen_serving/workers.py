"""Several processes that share a port: started, started again when one ends, stopped together."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import FrameType

from mizzen.adapters.uvicorn.server import LEAVE, SETTLE_SECONDS
from mizzen_serving.board import WorkerBoard

_TICK_SECONDS = 0.1
_PAUSES = (0.5, 1.0, 2.0, 4.0)  # seconds before the next start, by recent ends
_MOST_ENDS, _WITHIN_SECONDS = len(_PAUSES) + 1, 60.0
_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
_WORKER_DRAIN = 5.0  # a worker leaves by itself so long after the drain, if nobody says so


@dataclass(slots=True)
class _Worker:
    process: subprocess.Popen[bytes] | None
    start_at: float = 0.0


class Workers:
    """The workers of one service.

    Args:
        command: gives the words that start a worker of this number with a drain of so many
            seconds.
        take_no_more: called when the drain is over, to keep new connections out.
        ended: called with the process number of each worker that ended.
    """

    def __init__(
        self,
        command: Callable[[int, float], list[str]],
        environment: Mapping[str, str],
        listener: int,
        board: WorkerBoard,
        drain: float,
        take_no_more: Callable[[], None],
        ended: Callable[[int], None],
    ) -> None:
        self._command, self._environment = command, dict(environment)
        self._inherited, self._board = [listener, board.descriptor], board
        self._drain, self._take_no_more, self._ended = drain, take_no_more, ended
        self._ends: deque[float] = deque()
        self._leave_at: float | None = None
        self._signals: list[int] = []
        self._workers: list[_Worker] = []

    def run(self) -> int:
        """Until told to stop, or until workers cannot be kept; returns the exit status."""
        for number in _SIGNALS:
            if signal.getsignal(number) is not signal.SIG_IGN:
                signal.signal(number, self._note)
        self._workers = [_Worker(self._start(n)) for n in range(self._board.wanted)]
        status: int | None = None
        while status is None:
            status = self._stop() if self._signals else self._keep(time.monotonic())
            time.sleep(_TICK_SECONDS)
        return status

    def _note(self, number: int, _frame: FrameType | None) -> None:
        self._signals.append(number)

    def _start(self, number: int) -> subprocess.Popen[bytes]:
        words = self._command(number, self._drain + _WORKER_DRAIN)
        return subprocess.Popen(
            words,
            env=self._environment,
            pass_fds=self._inherited,
            start_new_session=True,  # a terminal's signals come through this process, once
        )

    def _keep(self, now: float) -> int | None:
        """Start again what ended; the exit status where that is hopeless."""
        for number, worker in enumerate(self._workers):
            if worker.process is None:
                if now >= worker.start_at:
                    worker.process = self._start(number)
                continue
            status = worker.process.poll()
            if status is None:
                continue
            self._forget(number, worker)
            if not self._board.complete:  # it never started: nor would another
                return self._give_up(status, None)
            if self._hopeless(now):
                return self._give_up(status or 1, _crash_loop(status))
            pause = _PAUSES[len(self._ends) - 1]
            worker.start_at = now + pause
            _say(f"a worker ended with status {status}; another one starts in {pause} s")
        return None

    def _forget(self, number: int, worker: _Worker) -> None:
        self._board.set_ready(number, False)
        if worker.process is not None:
            self._ended(worker.process.pid)
        worker.process = None

    def _hopeless(self, now: float) -> bool:
        self._ends.append(now)
        while now - self._ends[0] > _WITHIN_SECONDS:
            self._ends.popleft()
        return len(self._ends) >= _MOST_ENDS

    def _give_up(self, status: int, message: str | None) -> int:
        if message is not None:
            _say(message)
        self._signal(signal.SIGTERM)
        self._signal(LEAVE)
        for worker in self._workers:
            if worker.process is not None:
                worker.process.wait()
        return status if status > 0 else 1

    def _stop(self) -> int | None:
        """Drain, keep new connections out, let the workers go; the status when all are gone."""
        now = time.monotonic()
        if self._leave_at is None:
            self._signal(signal.SIGTERM)
            self._leave_at = now + self._drain
        if now >= self._leave_at or len(self._signals) > 1:
            self._take_no_more()
            time.sleep(SETTLE_SECONDS)
            return self._end()
        return None if self._running() else self._end()

    def _end(self) -> int:
        self._signal(LEAVE)
        statuses = [w.process.wait() for w in self._workers if w.process is not None]
        # a worker that was still loading when told to stop has no handler yet and dies of it
        fine = {0, -signal.SIGTERM, -LEAVE}
        return int(any(status not in fine for status in statuses))

    def _running(self) -> bool:
        return any(w.process is not None and w.process.poll() is None for w in self._workers)

    def _signal(self, number: int) -> None:
        for worker in self._workers:
            if worker.process is not None and worker.process.poll() is None:
                worker.process.send_signal(number)


def _crash_loop(status: int) -> str:
    return (
        f"workers ended {_MOST_ENDS} times within {_WITHIN_SECONDS:.0f} seconds, the last one with "
        f"status {status}: the service ends\n"
        "  next: read what they wrote above; a status of -9 is often too little memory"
    )


def _say(text: str) -> None:
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()
