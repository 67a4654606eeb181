"""What `mizzen serve` leaves on disk while it runs, below `<home>/serve`, for `mizzen status`.

One file for each such process, which holds a lock on it. The lock goes with the process, however
it ends, so a file without one is an earlier process's and says nothing.
"""

from __future__ import annotations

import contextlib
import json
import os
import uuid
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from mizzen.adapters.files.folders import make_home
from mizzen.adapters.files.locks import hold, is_locked
from mizzen.control.stack.probes import ask
from mizzen.control.workspace import Workspace


@dataclass(frozen=True, slots=True)
class ForegroundService:
    """One `mizzen serve`. `ready`: whether it answers now; it loads its model first."""

    version: int
    address: str
    pid: int
    since: datetime
    ready: bool = False


@contextlib.contextmanager
def announced(workspace: Workspace, version: int, address: str) -> Iterator[None]:
    """Others on this machine see that this process serves a version, until it ends."""
    folder = _folder(workspace)
    make_home(folder.parent)
    folder.mkdir(exist_ok=True)
    _forget_ended(folder)
    file = folder / f"{uuid.uuid4().hex}.json"
    fresh = file.with_suffix(".part")
    service = ForegroundService(version, address, os.getpid(), datetime.now(UTC))
    with fresh.open("w", encoding="utf-8") as record:
        hold(record)  # before anybody finds it under its name
        record.write(json.dumps({**asdict(service), "since": service.since.isoformat()}))
        record.flush()
        fresh.replace(file)
        try:
            yield
        finally:
            file.unlink(missing_ok=True)


def foreground_services(workspace: Workspace) -> tuple[ForegroundService, ...]:
    """Every `mizzen serve` of this project that runs on this machine, oldest first."""
    found = []
    for file in _folder(workspace).glob("*.json"):
        with contextlib.suppress(OSError, ValueError, TypeError):
            known = json.loads(file.read_text(encoding="utf-8"))
            since = datetime.fromisoformat(known["since"])
            service = ForegroundService(**{**known, "since": since})
            ready = ask(f"{service.address}/readyz") is not None
            if is_locked(file):  # asked last: what ended meanwhile serves no more
                found.append(replace(service, ready=ready))
    return tuple(sorted(found, key=lambda service: service.since))


def _folder(workspace: Workspace) -> Path:
    return workspace.place.home / "serve"


def _forget_ended(folder: Path) -> None:
    """Remove what killed processes left."""
    for file in folder.glob("*.json"):
        if not is_locked(file):
            file.unlink(missing_ok=True)
