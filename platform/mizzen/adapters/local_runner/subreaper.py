"""The process between the runner and its steps: `python -m mizzen.adapters.local_runner.subreaper`.

It forks the zygote and waits for the first of three: the runner lets go of its end of the
socket, the runner ends, the zygote ends. Then it kills everything below itself. It holds the
run's lock as well, so that nobody takes the run over before the last step is gone.

Arguments: the file descriptors of its own socket, of the zygote's and of the lock, the
runner's process id, and the modules to import beforehand.
"""

from __future__ import annotations

import os
import select
import socket
import sys

from mizzen.adapters.local_runner.processes import (
    adopt_orphans,
    die_with_parent,
    kill_descendants,
)
from mizzen.adapters.local_runner.zygote import serve, warm_up


def main() -> None:
    """Guard until there is nothing to guard."""
    life, requests, lock, runner = map(int, sys.argv[1:5])
    adopt_orphans()
    subreaper = os.getpid()
    zygote = os.fork()
    if zygote == 0:
        os.close(life)
        os.close(lock)
        die_with_parent(subreaper)
        warm_up(sys.argv[5:])
        serve(socket.socket(fileno=requests))
        os._exit(0)
    os.close(requests)
    _wait(life, runner, zygote)
    kill_descendants()


def _wait(life: int, runner: int, zygote: int) -> None:
    poll = select.poll()
    try:
        watched = [life, os.pidfd_open(runner), os.pidfd_open(zygote)]
    except ProcessLookupError:
        return
    for descriptor in watched:
        poll.register(descriptor, select.POLLIN)
    poll.poll()


if __name__ == "__main__":
    main()
