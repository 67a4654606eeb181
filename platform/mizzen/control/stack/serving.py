"""The champion's service: how it is started, and how it follows a promotion.

The supervisor holds the listening socket, so a new version is started beside the old one on
the same port, and the old one is told to leave only when the new one answers.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

from mizzen.adapters.loopback import listens_here_only
from mizzen.control.own_process import ask_module
from mizzen.control.stack.files import StackFiles
from mizzen.control.workspace import Workspace
from mizzen.errors import TemporaryError

FOLLOW_SECONDS = 120


def command(
    package: Path, version: int, host: str, port: int, listener: int, parent: int | None = None
) -> list[str]:
    """How a version's service is started on a socket that is open already; with `parent`, it ends
    when that process does."""
    arguments = {
        "--package": str(package),
        "--version": str(version),
        "--host": host,
        "--port": str(port),
        "--listener": str(listener),
        **({} if parent is None else {"--parent": str(parent)}),
    }
    words = [word for pair in arguments.items() for word in pair]
    return [sys.executable, "-m", "mizzen_serving", *words]


def door_words(workspace: Workspace) -> list[str]:
    """What the profile asks of those who ask the service, as words of its command."""
    where = workspace.place.profile.serving
    tokens = [] if where.tokens is None else ["--tokens", str(workspace.folder / where.tokens)]
    return [*tokens, *([] if where.rate is None else ["--rate", str(where.rate)])]


def service_token(workspace: Workspace) -> str | None:
    """The bearer token with which this process asks the service, if it has one."""
    return os.environ.get(workspace.place.profile.serving.token_env) or None


def is_open(workspace: Workspace) -> bool:
    """Whether anybody who reaches the service from another machine may ask it."""
    where = workspace.place.profile.serving
    return where.tokens is None and not listens_here_only(where.host)


def package_of(workspace: Workspace, version: int) -> Path:
    """The folder of a version's package on this machine, fetched when it is not there.

    In a process of its own: the registry's library is large, and its callers live long.

    Raises:
        MizzenError: what `Registry.fetch` raises.
    """
    failure = f"the package of version {version} cannot be fetched"
    told = ask_module("mizzen.control.models.prepare", [str(version)], workspace.place, failure)
    return Path(told)


def follow(workspace: Workspace, version: int) -> bool:
    """Make a running stack serve this version; returns whether that changed anything.

    Raises:
        TemporaryError: the new version does not answer; the old one goes on.
    """
    files = StackFiles(workspace)
    status = files.status()
    if not status or status.get("service", {}).get("version") == version:
        return False
    until = time.monotonic() + FOLLOW_SECONDS
    while time.monotonic() < until:
        status = files.status()
        if not status:
            return False
        service = status.get("service", {})
        if service.get("version") == version:
            return True
        if service.get("refused") == version:
            break
        time.sleep(0.1)
    raise TemporaryError(
        f"version {version} does not answer, so the service stays as it was",
        given=status.get("service", {}).get("error"),
        next_step=f"read {files.folder / 'service.log'}, or promote another version",
    )
