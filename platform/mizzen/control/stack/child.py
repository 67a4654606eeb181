"""One process that the supervisor keeps running."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

_PATIENCE = (1.0, 2.0, 5.0, 10.0, 30.0)  # seconds before each next start after a crash


class Child:
    """Started, watched, started again after a crash, stopped."""

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        environment: Mapping[str, str],
        log: Path,
        inherited: Sequence[int],
    ) -> None:
        self.name, self.log = name, log
        self._command, self._environment = list(command), dict(environment)
        self._inherited = list(inherited)
        self._crashes, self._not_before = 0, 0.0
        self.process = self._start()

    @property
    def pid(self) -> int:
        """The process number."""
        return self.process.pid

    def keep(self, now: float) -> bool:
        """Start it again if it ended; False while it is down."""
        if self.process.poll() is None:
            return True
        if self._not_before == 0.0:
            self._not_before = now + _PATIENCE[min(self._crashes, len(_PATIENCE) - 1)]
            self._crashes += 1
        if now >= self._not_before:
            self._not_before = 0.0
            self.process = self._start()
        return False

    def well(self) -> None:
        """It answered: earlier crashes are forgiven."""
        self._crashes = 0

    def last_words(self, lines: int = 5) -> str:
        """The end of its log, for an error's text."""
        try:
            text = self.log.read_text(encoding="utf-8", errors="replace")
        except OSError:
            return ""
        return "\n".join(text.splitlines()[-lines:])

    def stop(self, seconds: float) -> None:
        """SIGTERM, then SIGKILL when that was not enough; nothing is left behind."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        until = time.monotonic() + seconds
        try:
            self.process.wait(max(0.0, until - time.monotonic()))
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def _start(self) -> subprocess.Popen[bytes]:
        with self.log.open("ab") as log:
            return subprocess.Popen(
                self._command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={**os.environ, **self._environment},
                pass_fds=self._inherited,
            )
