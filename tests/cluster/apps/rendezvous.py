"""One node of a training job in a pod of the tests: all meet at the first one, as torchrun does."""

import os
import socket
import time

NODES = int(os.environ["PET_NNODES"])
RANK = int(os.environ["PET_NODE_RANK"])
MEETING = (os.environ["PET_MASTER_ADDR"], int(os.environ["PET_MASTER_PORT"]))


def meet() -> None:
    if RANK == 0:
        with socket.create_server(("", MEETING[1])) as server:
            for _ in range(NODES - 1):
                server.accept()[0].close()
        return
    while True:  # the first node's name is known, and its pod listening, only after a while
        try:
            socket.create_connection(MEETING, timeout=5).close()
        except OSError:
            time.sleep(0.5)
        else:
            return


meet()
print(f"rank {RANK} of {NODES} met the others")  # noqa: T201
