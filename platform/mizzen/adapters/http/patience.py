"""How long, and how often, somebody is asked who does not answer: the one policy."""

from __future__ import annotations

import time

_FIRST_PAUSE, _LONGEST_PAUSE = 0.05, 2.0


class Patience:
    """Growing pauses, until so many seconds are over."""

    def __init__(self, seconds: float) -> None:
        self._until, self._pause = time.monotonic() + seconds, _FIRST_PAUSE

    def wait(self) -> bool:
        """Pause; False, at once, where it is over."""
        if time.monotonic() + self._pause > self._until:
            return False
        time.sleep(self._pause)
        self._pause = min(self._pause * 2, _LONGEST_PAUSE)
        return True
