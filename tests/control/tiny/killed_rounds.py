"""`python killed_rounds.py FOLDER SEED TRIALS`: drivers and controllers that kill themselves.

Each is a fork of this process, which has imported what they need, and gets SIGKILL at a seeded
moment: before or after its n-th write of the state. Prints one JSON line for each trial, with how
things are after one undisturbed round.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tiny_plans import judged

from mizzen.control.backends import registry_of
from mizzen.control.controller.loop import Controller
from mizzen.control.models.reconcile import ALIAS
from mizzen.control.runs.request import RunRequest
from mizzen.control.runs.submit import execute, write_down
from mizzen.control.workspace import Workspace, open_workspace
from mizzen.state.session import Session
from mizzen.state.sqlite_store import SqliteStore

DRIVER_MOMENTS, CONTROLLER_MOMENTS = 44, 12  # some beyond the last one: they end undisturbed
VERSIONS = 3


def drive(workspace: Workspace) -> None:
    """Train the next version: submit, finalize, promote."""
    champion = workspace.state.models.champion("shop")
    known = 0 if champion is None else champion.version
    plan = judged(number=known % VERSIONS + 1)
    arguments = {"champion": str(known)} if champion else {}
    execute(write_down(workspace, RunRequest(), plan, arguments, datetime.now(UTC)))


def lead(workspace: Workspace) -> None:
    """One round, by who leads; the lease of a killed one has to end first."""
    controller = Controller(workspace, lambda _: None)
    while controller.once() is None:
        time.sleep(0.1)
    controller.end()


def killed(work: Callable[[Workspace], None], folder: Path, moment: int | None) -> bool:
    """Do it in a fork; whether it was killed."""
    pid = os.fork()
    if pid == 0:
        _die_at(moment)
        work(open_workspace(folder))
        os._exit(0)
    _, status = os.waitpid(pid, 0)
    if os.WIFEXITED(status) and os.WEXITSTATUS(status) != 0:
        raise SystemExit(f"{work.__name__} failed at moment {moment}")
    return os.WIFSIGNALED(status)


def _die_at(moment: int | None) -> None:
    transaction, seen = SqliteStore.transaction, iter(range(10**6))

    def die() -> None:
        if next(seen) == moment:
            os.kill(os.getpid(), signal.SIGKILL)

    @contextmanager
    def dying(self: SqliteStore, *, write: bool, durable: bool) -> Iterator[Session]:
        if write:
            die()
        with transaction(self, write=write, durable=durable) as session:
            yield session
        if write:
            die()

    SqliteStore.transaction = dying  # type: ignore[method-assign]


def seen(folder: Path) -> dict[str, Any]:
    """How things are."""
    workspace = open_workspace(folder)
    state = workspace.state
    return {
        "runs": {run.id: run.state for run in state.runs.newest_first("shop", limit=10_000)},
        "folders": sorted(path.name for path in workspace.runs.iterdir()),
        "history": [(p.previous, p.version) for p in state.models.history("shop")],
        "alias": registry_of(workspace).alias("shop", ALIAS),
    }


def main(folder: str, seed: str, trials: str) -> None:
    """All trials, one after another, on one project."""
    chance, where = random.Random(int(seed)), Path(folder)
    killed(drive, where, None)
    for _ in range(int(trials)):
        moments = chance.randrange(DRIVER_MOMENTS), chance.randrange(CONTROLLER_MOMENTS)
        ends = [killed(drive, where, moments[0]), killed(lead, where, moments[1])]
        killed(lead, where, None)
        told = {"moments": moments, "killed": ends, **seen(where)}
        sys.stdout.write(json.dumps(told) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main(*sys.argv[1:4])
