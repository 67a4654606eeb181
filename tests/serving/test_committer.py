"""The thread that makes the prediction log durable ends when it is told to, at whichever moment."""

from __future__ import annotations

import threading
import time
from types import SimpleNamespace

import pytest

from mizzen.adapters.segment_log import committer
from mizzen.adapters.segment_log.committer import Committer


def test_a_stop_between_a_window_and_its_commit_is_heard(monkeypatch: pytest.MonkeyPatch) -> None:
    reached = threading.Event()

    class SlowToClear(threading.Event):
        def clear(self) -> None:
            reached.set()
            time.sleep(0.2)  # the stop comes now
            super().clear()

    threads = SimpleNamespace(Event=SlowToClear, Thread=threading.Thread)
    monkeypatch.setattr(committer, "threading", threads)
    running = Committer(0.0, lambda: False)
    running.wake()
    assert reached.wait(10)
    ending = threading.Thread(target=running.stop, daemon=True)
    ending.start()
    ending.join(10)
    assert not ending.is_alive()
