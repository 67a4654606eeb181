"""A warm, single-threaded process that becomes each step's process by forking.

One message per packet, JSON. From the runner: `{"start": id, "request": file,
"environment": {...}}` and `{"kill": id}`. To the runner: `{"ended": id, "status": code}`, where
a negative code is the signal that ended the step. The runner's end closed means: stop.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import select
import socket
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from mizzen.adapters.local_runner.processes import adopt_orphans, children, kill_tree
from mizzen.adapters.local_runner.worker import work

_PACKET = 1 << 16


def warm_up(modules: Sequence[str]) -> None:
    """Import what most steps need; a module that cannot be imported is the step's to tell."""
    for module in modules:
        with suppress(Exception):
            importlib.import_module(module)


def serve(requests: socket.socket) -> None:
    """Start and end steps until the runner's end of the socket closes."""
    adopt_orphans()
    gc.freeze()  # what is here now is never collected, so forks need not copy its pages
    workers: dict[int, tuple[int, int]] = {}  # pidfd -> process id, the runner's id
    poll = select.poll()
    poll.register(requests, select.POLLIN)
    while True:
        for descriptor, _ in poll.poll():
            if descriptor in workers:
                poll.unregister(descriptor)
                _ended(requests, descriptor, *workers.pop(descriptor))
                _sweep({pid for pid, _ in workers.values()})
                continue
            message = requests.recv(_PACKET)
            if not message:
                return
            command = json.loads(message)
            if "start" in command:
                pid = _start(command, requests, workers)
                pidfd = os.pidfd_open(pid)
                workers[pidfd] = (pid, command["start"])
                poll.register(pidfd, select.POLLIN)
            else:
                _kill(command["kill"], workers)


def _start(command: Any, requests: socket.socket, workers: dict[int, tuple[int, int]]) -> int:
    zygote = os.getpid()
    pid = os.fork()
    if pid == 0:
        requests.close()
        for descriptor in workers:
            os.close(descriptor)
        work(Path(command["request"]), command["environment"], zygote)
    return pid


def _ended(requests: socket.socket, pidfd: int, pid: int, task: int) -> None:
    os.close(pidfd)
    _, status = os.waitpid(pid, 0)
    code = os.waitstatus_to_exitcode(status)
    requests.send(json.dumps({"ended": task, "status": code}).encode())


def _sweep(workers: set[int]) -> None:
    # Whatever an ended step left behind was handed to this process.
    for orphan in set(children(os.getpid())) - workers:
        kill_tree(orphan)
        with suppress(ChildProcessError):
            os.waitpid(orphan, 0)


def _kill(task: int, workers: dict[int, tuple[int, int]]) -> None:
    for pid, known in workers.values():
        if known == task:
            kill_tree(pid)
