"""When a worker that ended is started again."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from mizzen_serving import workers
from mizzen_serving.board import WorkerBoard

CALM_SECONDS = 61.0
TICK = 0.1


class Clock:
    """In place of `time`: it stands while a worker is about to end, so that only pauses count.

    Args:
        calm: the number of the start that runs until `release` is there, CALM_SECONDS later.
    """

    def __init__(self, calm: int, release: Path) -> None:
        self._calm, self._release = calm, release
        self._now = 0.0
        self.starts: list[float] = []
        self.ends: list[float] = []

    @property
    def pauses(self) -> list[float]:
        """Between each end and the start after it."""
        return [start - end for end, start in zip(self.ends, self.starts[1:], strict=False)]

    def monotonic(self) -> float:
        return self._now

    def sleep(self, seconds: float) -> None:
        runs = len(self.starts) > len(self.ends)
        if runs and len(self.starts) == self._calm and not self._release.exists():
            self._now += CALM_SECONDS
            self._release.touch()
        elif runs:
            time.sleep(0.005)  # until the process is gone; no time of the clock's
        else:
            self._now += seconds

    def command(self, _number: int, _drain: float) -> list[str]:
        self.starts.append(self._now)
        wait = f"until test -e '{self._release}'; do sleep 0.01; done"
        return ["sh", "-c", wait if len(self.starts) == self._calm else "exit 1"]

    def ended(self, _pid: int) -> None:
        self.ends.append(self._now)


def test_the_pause_before_a_worker_starts_again_doubles_with_each_end_and_is_short_after_a_calm(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """Real processes; only the clock is the test's."""
    clock = Clock(3, tmp_path / "release")
    board = WorkerBoard.create(1)
    board.set_ready(0, True)  # it has been ready once
    monkeypatch.setattr(workers, "time", clock)
    monkeypatch.setattr(workers, "_SIGNALS", ())
    environment = {"PATH": "/usr/bin:/bin"}
    kept = workers.Workers(
        clock.command, environment, board.descriptor, board, 0.0, lambda: None, clock.ended
    )
    assert kept.run() == 1
    assert clock.pauses == pytest.approx([0.5, 1, 0.5, 1, 2, 4], abs=2 * TICK)
    told = capfd.readouterr().err
    assert "another one starts in 4.0 s" in told
    assert "workers ended 5 times within 60 seconds" in told
