"""`up`, `down` and `status` of the local stack; each may be called twice."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from mizzen.control.stack.files import StackFiles
from mizzen.control.stack.foreground import ForegroundService, foreground_services
from mizzen.control.stack.probes import listen
from mizzen.control.stack.serving import is_open
from mizzen.control.workspace import Workspace
from mizzen.errors import MizzenError, TemporaryError

OPEN = (
    "the service asks for no token: anyone who reaches its address may use it; "
    "set serving.tokens in the profile"
)
UP_SECONDS = 180.0
DOWN_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class StackStatus:
    """What runs on this machine. `running`, `page`, `service` and `version` are of what `up`
    started; the addresses are None while they do not answer. `foreground`: each `mizzen serve`."""

    running: bool
    page: str | None = None
    service: str | None = None
    version: int | None = None
    notes: tuple[str, ...] = ()
    foreground: tuple[ForegroundService, ...] = ()


def up(workspace: Workspace, tell: Callable[[str], None] | None = None) -> StackStatus:
    """Start what does not run yet; returns when it answers.

    Args:
        tell: called with what is waited for, whenever that changes.

    Raises:
        Conflict: a port is taken.
        MizzenError: the supervisor or the service did not start; its last words are given.
    """
    files = StackFiles(workspace)
    lock = files.take()
    if lock is not None:
        try:
            _start(workspace, files, lock)
        finally:
            os.close(lock)
    return _wait(workspace, files, tell or (lambda _text: None))


def down(workspace: Workspace) -> bool:
    """Stop everything of the stack; returns whether there was anything."""
    files = StackFiles(workspace)
    if not files.alive():
        return False
    group = int((files.folder / "group").read_text(encoding="utf-8"))
    _signal(group, signal.SIGTERM, only_leader=bool(files.status()))
    until = time.monotonic() + DOWN_SECONDS
    while files.alive() and time.monotonic() < until:
        time.sleep(0.05)
    if files.alive():
        _signal(group, signal.SIGKILL, only_leader=False)
    workspace.state.monitoring.clear_served(workspace.spec.name)
    files.clear()
    return True


def status(workspace: Workspace) -> StackStatus:
    """What runs now."""
    found = StackFiles(workspace).status()
    page, service = found.get("page", {}), found.get("service", {})
    notes = [text for text in (page.get("why"), service.get("error")) if text]
    foreground = foreground_services(workspace)
    if (service.get("ready") or foreground) and is_open(workspace):
        notes.append(OPEN)
    return StackStatus(
        running=bool(found),
        page=page.get("address") if page.get("ready") else None,
        service=service.get("address") if service.get("ready") else None,
        version=service.get("version"),
        notes=tuple(notes),
        foreground=foreground,
    )


def _start(workspace: Workspace, files: StackFiles, lock: int) -> None:
    profile = workspace.place.profile
    # asked here, where the error reaches whoever typed `mizzen up`
    listen(profile.serving.host, profile.serving.port, "the service", "serving.port").close()
    if profile.tracking.uri is None:
        listen("127.0.0.1", profile.tracking.port, "MLflow's page", "tracking.port").close()
    files.clear()
    with (files.folder / "supervisor.log").open("wb") as log:
        process = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "mizzen.control.stack.supervisor",
                str(workspace.folder),
                workspace.profile,
                str(lock),
            ],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            pass_fds=[lock],
            start_new_session=True,
            umask=0o077,
        )
    (files.folder / "group").write_text(str(process.pid), encoding="utf-8")


def _wait(workspace: Workspace, files: StackFiles, tell: Callable[[str], None]) -> StackStatus:
    champion = workspace.state.models.champion(workspace.spec.name)
    wanted = None if champion is None else champion.version
    until = time.monotonic() + UP_SECONDS
    told = ""
    while time.monotonic() < until:
        if not files.alive():
            raise MizzenError("the stack did not start", given=_words(files))
        found = files.status()
        if found and _settled(found, wanted):
            return status(workspace)
        waits = waits_for(found, wanted)
        if waits != told:
            told = waits
            tell(waits)
        time.sleep(0.1)
    raise TemporaryError(
        f"the stack is not ready yet, {told}",
        given=files.status(),
        next_step=f"mizzen status; read service.log and page.log in {files.folder}",
    )


def waits_for(found: dict[str, Any], wanted: int | None) -> str:
    """What `up` cannot return without yet."""
    if not found:
        return "waiting for the supervisor to start"
    page, service = found.get("page", {}), found.get("service", {})
    if wanted is not None and service.get("version") != wanted:
        return f"waiting for version {wanted} to load and answer"
    return f"waiting for MLflow's page at {page.get('address')}"


def _settled(found: dict[str, Any], wanted: int | None) -> bool:
    page, service = found.get("page", {}), found.get("service", {})
    if "ready" not in page:
        return False
    page_done = page["ready"] or page["why"] or not page.get("started")
    served = wanted is None or wanted in {service.get("version"), service.get("refused")}
    return bool(page_done and served)


def _words(files: StackFiles) -> str:
    try:
        text = (files.folder / "supervisor.log").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    return "\n".join(text.splitlines()[-8:])


def _signal(group: int, number: int, only_leader: bool) -> None:
    try:
        if only_leader:
            os.kill(group, number)
        else:
            os.killpg(group, number)
    except ProcessLookupError:
        if only_leader:
            _signal(group, number, only_leader=False)
