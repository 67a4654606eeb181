"""The runner's side of its processes: start steps, end them, learn how they ended."""

from __future__ import annotations

import json
import os
import select
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mizzen.core.reproducible import reproducible

_PACKET = 1 << 16


@dataclass(frozen=True, slots=True)
class WorkerExit:
    """A step's process ended; a negative `status` is the signal that ended it."""

    id: int
    status: int


class WorkerPool:
    """A subreaper with its zygote, for steps with one number of threads."""

    def __init__(self, threads: int, lock: int, preload: Sequence[str]) -> None:
        self.running: set[int] = set()
        life, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        requests, zygote = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        descriptors = (theirs.fileno(), zygote.fileno(), lock)
        self._life, self.requests = life, requests
        # -P: a project's own json.py in the working folder must not shadow the library's
        subreaper = [sys.executable, "-P", "-m", "mizzen.adapters.local_runner.subreaper"]
        self._guardian = subprocess.Popen(
            [*subreaper, *map(str, descriptors), str(os.getpid()), *preload],
            pass_fds=descriptors,
            env=_environment(threads),
            stdin=subprocess.DEVNULL,
            start_new_session=True,
            umask=0o077,
        )
        theirs.close()
        zygote.close()

    def start(self, number: int, request: Path, environment: Mapping[str, str]) -> None:
        """Start a step; a crew that died since tells so by `WorkerExit`. The environment may hold
        credentials, so it goes through the socket and not through a file."""
        self.running.add(number)
        document = {"start": number, "request": str(request), "environment": dict(environment)}
        self._send(document)

    def kill(self, number: int) -> None:
        """End a step with everything that it started; `WorkerExit` follows."""
        if number in self.running:
            self._send({"kill": number})

    def ended(self) -> Iterator[WorkerExit]:
        """Steps that ended since; call when `requests` is readable."""
        message = self._receive()
        if not message:  # the subreaper or the zygote was killed, and their steps with them
            self.close()
            for number in sorted(self.running):
                yield WorkerExit(number, -9)
            self.running.clear()
            return
        document: dict[str, Any] = json.loads(message)
        self.running.discard(document["ended"])
        yield WorkerExit(document["ended"], document["status"])

    @property
    def alive(self) -> bool:
        """Whether steps can be started."""
        return self._life.fileno() != -1

    def close(self) -> None:
        """End everything that still runs; returns once nothing is left of it."""
        self._life.close()
        self._guardian.wait()

    def _send(self, message: dict[str, Any]) -> None:
        with suppress(BrokenPipeError, ConnectionResetError):  # `ended` reports a dead crew
            self.requests.send(json.dumps(message).encode())

    def _receive(self) -> bytes:
        try:
            return self.requests.recv(_PACKET)
        except OSError:
            return b""


def wait(crews: Sequence[WorkerPool], seconds: float) -> list[WorkerPool]:
    """Crews that have something to tell, after at most `seconds`."""
    poll = select.poll()
    known = {crew.requests.fileno(): crew for crew in crews if crew.alive}
    for descriptor in known:
        poll.register(descriptor, select.POLLIN)
    return [known[descriptor] for descriptor, _ in poll.poll(seconds * 1000)]


def _environment(threads: int) -> dict[str, str]:
    # Arrow's allocator would start a thread when it is loaded, and the zygote must fork safely.
    quiet = {"JE_ARROW_MALLOC_CONF": "background_thread:false"}
    return {**os.environ, **quiet, **reproducible(threads)}
