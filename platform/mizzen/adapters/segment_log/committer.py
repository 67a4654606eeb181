"""The background thread that makes a window of appended records durable at once."""

from __future__ import annotations

import threading
from collections.abc import Callable


class Committer:
    """Calls `commit` once per window in which `wake` was called; sleeps otherwise.

    `commit` returns whether something remains to be done, so that it is called again.
    """

    def __init__(self, window_seconds: float, commit: Callable[[], bool]) -> None:
        self._window = window_seconds
        self._commit = commit
        self._dirty = threading.Event()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True, name="log-commit")
        self._thread.start()

    def wake(self) -> None:
        """There is something to commit. Cheap: called for every append."""
        if not self._dirty.is_set():
            self._dirty.set()

    def stop(self) -> None:
        """End the thread; what was not committed is the caller's."""
        self._stopped.set()
        self._dirty.set()
        self._thread.join()

    def _run(self) -> None:
        while True:
            self._dirty.wait()
            if self._stopped.wait(self._window):
                return
            self._dirty.clear()
            if self._stopped.is_set():  # `stop` woke this thread just before it cleared
                return
            if self._commit():
                self._dirty.set()
