"""The loop: rounds while this process leads, patience while another one does."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from types import FrameType

from mizzen.control.controller.leadership import Leadership
from mizzen.control.controller.round import RoundResult, run_round
from mizzen.control.controller.status import StatusFile
from mizzen.control.workspace import Workspace, open_workspace
from mizzen.errors import InvalidProject, MizzenError, StaleLease, TemporaryError
from mizzen.state.records import Lease

EVERY_SECONDS = 5.0
_POLL_SECONDS = 0.2
_LONGEST = 60.0  # between two tries while the state is away
Tell = Callable[[str], None]


class Controller:
    """One process that leads, or waits to.

    Args:
        tell: called with one line about whatever it does or meets, each thing once.
    """

    def __init__(self, workspace: Workspace, tell: Tell, every: float = EVERY_SECONDS) -> None:
        self._workspace, self._tell, self._every = workspace, tell, every
        self._leadership, self._file = Leadership(workspace), StatusFile(workspace)
        self._memory = self._file.recall()
        self._stopping = threading.Event()
        self._stamp = self._changed_at()
        self._said: set[str] = set()

    @property
    def looks(self) -> bool:
        """Whether the drift job runs beside the rounds."""
        return self._memory.look is not None

    def stop(self) -> None:
        """End after what is being done."""
        self._stopping.set()

    def run(self) -> None:
        """Until `stop`. Nothing that a round meets ends it."""
        pause = self._every
        try:
            while not self._stopping.is_set():
                try:
                    self.once()
                    pause = self._every
                except TemporaryError as error:
                    self._say({f"the state is away: {error.message}"})
                    pause = min(2 * pause, _LONGEST)
                self._stopping.wait(pause)
        finally:
            self.end()

    def once(self) -> RoundResult | None:
        """One round; None where another process leads.

        Raises:
            TemporaryError: the state is away.
        """
        try:
            lease = self._leadership.lead()
            if lease is None:
                self._wait()
                return None
            return self._round(lease)
        except StaleLease:
            self._leadership.lose()
            self._end_look()
            self._say({"another controller leads by now"})
            return None

    def end(self) -> None:
        """Let another process lead; what is not finished is done by the next one."""
        self._end_look()
        with suppress(MizzenError):  # the lease ends by itself
            self._leadership.release()

    def _round(self, lease: Lease) -> RoundResult:
        self._reopen()
        now = datetime.now(UTC)
        result = run_round(self._workspace, now, self._leadership, lease, self._memory)
        self._file.write(lease.holder.rpartition("/")[0], now, result, self._memory)
        for effect in result.did:
            self._tell(effect)
        self._say({f"{part}: {text}" for part, text in result.errors.items()})
        return result

    def _wait(self) -> None:
        known = self._leadership.leader()
        who = "another process" if known is None else known.driver
        self._say({f"{who} leads; waiting"})

    def _say(self, found: set[str]) -> None:
        for text in sorted(found - self._said):
            self._tell(text)
        self._said = found

    def _end_look(self) -> None:
        if self._memory.look is not None:
            self._memory.look.stop()
            self._memory.look = self._memory.looked = None

    def _reopen(self) -> None:
        """The project as it is described now; as before while it is described wrongly."""
        stamp = self._changed_at()
        if stamp == self._stamp:
            return
        self._stamp = stamp
        try:
            self._workspace = open_workspace(self._workspace.folder, self._workspace.profile)
        except InvalidProject as error:
            self._tell(f"goes on with the project as it was: {error}")
        self._memory.next_look = None

    def _changed_at(self) -> int:
        with suppress(OSError):
            return (self._workspace.folder / "mizzen.yaml").stat().st_mtime_ns
        return 0


def run_once(workspace: Workspace, tell: Tell) -> RoundResult | None:
    """One round and what it began beside the rounds; None where another process leads.

    Raises:
        TemporaryError: the state is away.
    """
    controller = Controller(workspace, tell)
    did: tuple[str, ...] = ()
    try:
        result = controller.once()
        while result is not None and controller.looks:
            did += result.did
            time.sleep(_POLL_SECONDS)
            result = controller.once()
    finally:
        controller.end()
    return None if result is None else replace(result, did=did + result.did)


def run_controller(workspace: Workspace, tell: Tell) -> None:
    """Lead, or wait to, until SIGTERM or SIGINT."""
    controller = Controller(workspace, tell)

    def leave(_number: int, _frame: FrameType | None) -> None:
        controller.stop()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, leave)
    controller.run()
