"""Who drives a run, as machines that share a state see it: a lease that its driver renews.

On the machine of the driver the operating system's lock (`run_lock`) says at once that it died;
elsewhere its lease has to end first.
"""

from __future__ import annotations

import os
import secrets
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import TracebackType

from mizzen.control.runs import run_lock
from mizzen.control.workspace import Workspace
from mizzen.errors import Conflict, StaleLease, TemporaryError
from mizzen.spec.duration import to_timedelta
from mizzen.state.records import Lease, LeaseRecord, RunRecord, lease_name

BEATS = 4  # renewals in the time that a lease lasts


def acquire(workspace: Workspace, run_id: str, over: int | None = None) -> Lease:
    """The right to drive a run.

    Args:
        over: the epoch of a driver that is known to be dead.

    Raises:
        Conflict: somebody else drives it.
    """
    name, leases = lease_name(run_id), workspace.state.leases
    lease = leases.acquire(name, new_holder(), seconds(workspace), over=over)
    if lease is None:
        known = leases.get(name)
        raise Conflict(
            f"run {run_id} is driven by another process",
            given=None if known is None else f"{known.driver}, for {known.seconds_left:.0f} s more",
            next_step=f"follow it: mizzen runs show {run_id} --follow",
        )
    return lease


def acquire_locked(workspace: Workspace, run_id: str) -> Lease:
    """The right to drive a run, for who holds its `RunLock`: no other process of this machine does.

    Raises:
        Conflict: another machine drives it.
    """
    known = workspace.state.leases.get(lease_name(run_id))
    here = known is not None and _machine_of(known) in {"", _machine()}
    return acquire(workspace, run_id, known.epoch if known is not None and here else None)


def take(workspace: Workspace, run_id: str) -> Lease:
    """The right to drive a run, whoever has it: what its driver still writes is refused.

    Raises:
        Conflict: somebody else took it at this moment.
    """
    known = workspace.state.leases.get(lease_name(run_id))
    return acquire(workspace, run_id, None if known is None else known.epoch)


def take_over(workspace: Workspace, run: RunRecord) -> Lease | None:
    """The right to say how a run ended whose driver died; None while one lives."""
    known = workspace.state.leases.get(lease_name(run.id))
    if _lives(run, known):
        return None
    with suppress(Conflict):  # somebody else resumes it, or says that it ended
        return acquire(workspace, run.id, None if known is None else known.epoch)
    return None


def seconds(workspace: Workspace) -> float:
    """How long a driver that says nothing is believed to live."""
    return to_timedelta(workspace.place.profile.lease).total_seconds()


class Heartbeat:
    """Renews a lease as long as its `with` lasts, then lets go of it.

    A state that is away is asked again; once somebody else holds the lease, `lost` is called.
    """

    def __init__(self, workspace: Workspace, lease: Lease, lost: Callable[[], None]) -> None:
        self._leases, self._lease, self._lost = workspace.state.leases, lease, lost
        self._seconds, self._ended = seconds(workspace), threading.Event()
        self._thread = threading.Thread(target=self._beat, name="lease", daemon=True)

    def __enter__(self) -> Heartbeat:
        self._leases.renew(self._lease, self._seconds)
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._ended.set()
        self._thread.join()
        with suppress(TemporaryError):  # it ends by itself
            self._leases.release(self._lease)

    def _beat(self) -> None:
        while not self._ended.wait(self._seconds / BEATS):
            try:
                self._leases.renew(self._lease, self._seconds)
            except TemporaryError:
                continue
            except StaleLease:
                self._lost()
                return


def _lives(run: RunRecord, known: LeaseRecord | None) -> bool:
    folder = Path(run.folder)
    here = known is None or _machine_of(known) in {"", _machine()}
    if here and folder.exists():
        return run_lock.is_owned(folder)
    return known is not None and known.seconds_left > 0


def _machine_of(known: LeaseRecord) -> str:
    return known.driver.partition("/")[0]


def new_holder() -> str:
    """This process, and a secret that nobody else knows."""
    return f"{_machine()}/{os.getpid()}/{secrets.token_hex(16)}"


def _machine() -> str:
    return os.uname().nodename.replace("/", "-")
