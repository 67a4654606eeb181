"""Which controller of a project leads: the one that holds the lease `controller:<project>`.

Whoever slept past the lease's end (a stopped process, a laptop that was shut) finds somebody else
leading, and does nothing any more.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from mizzen.control.runs.lease import BEATS, Heartbeat, new_holder, seconds
from mizzen.control.workspace import Workspace
from mizzen.errors import Conflict
from mizzen.state.records import Lease, LeaseRecord


def lease_of(project: str) -> str:
    """The name of the lease."""
    return f"controller:{project}"


class Leadership:
    """This process's claim to lead."""

    def __init__(self, workspace: Workspace) -> None:
        self._leases, self._seconds = workspace.state.leases, seconds(workspace)
        self._name, self._holder = lease_of(workspace.spec.name), new_holder()
        self._lease: Lease | None = None
        self._renewed = 0.0

    def lead(self) -> Lease | None:
        """The lease, taken or held on to; None while another process leads.

        Raises:
            TemporaryError: the state is away.
            StaleLease: another process leads by now.
        """
        if self._lease is not None:
            self.beat()
            return self._lease
        begun = _elapsed()
        self._lease = self._leases.acquire(self._name, self._holder, self._seconds)
        self._renewed = begun
        return self._lease

    def beat(self) -> None:
        """Hold on to the lease, unless that was done a moment ago; asked before each effect.

        Raises:
            StaleLease: another process leads by now.
        """
        begun = _elapsed()
        if self._lease is None or begun - self._renewed < self._seconds / BEATS:
            return
        self._leases.renew(self._lease, self._seconds)
        self._renewed = begun

    def lose(self) -> None:
        """Another process leads by now."""
        self._lease = None

    def release(self) -> None:
        """Let another process lead at once."""
        if self._lease is not None:
            self._leases.release(self._lease)
            self._lease = None

    def leader(self) -> LeaseRecord | None:
        """Who leads; None where nobody ever did."""
        return self._leases.get(self._name)


@contextmanager
def leading(workspace: Workspace) -> Iterator[None]:
    """Lead in place of the controller that does, as long as the `with` lasts: what replays a past
    season judges and answers it in its own time."""
    leases, name = workspace.state.leases, lease_of(workspace.spec.name)
    known = leases.get(name)
    over = None if known is None else known.epoch
    lease = leases.acquire(name, new_holder(), seconds(workspace), over=over)
    if lease is None:
        raise Conflict(f"{name} was taken by another process at this moment", next_step="try again")
    with Heartbeat(workspace, lease, lambda: None):
        yield


def _elapsed() -> float:
    """Seconds that pass also while this machine sleeps, where the system counts those."""
    clock = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
    return time.clock_gettime(clock)
