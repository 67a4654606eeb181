"""A real MLflow server that hands out artifacts itself."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


@contextmanager
def mlflow_serving(folder: Path) -> Iterator[str]:
    """Its address; tables in `folder/server.db`, files in `folder/artifacts`."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    options = {
        "backend-store-uri": f"sqlite:///{folder / 'server.db'}",
        "artifacts-destination": str(folder / "artifacts"),
        "host": "127.0.0.1",
        "port": str(port),
        "workers": "1",
    }
    server = subprocess.Popen(
        [sys.executable, "-m", "mlflow", "server", *(f"--{k}={v}" for k, v in options.items())],
        env={
            **os.environ,
            "MLFLOW_DISABLE_TELEMETRY": "true",
            "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
        },
        start_new_session=True,
    )
    try:
        _wait(f"http://127.0.0.1:{port}/health")
        yield f"http://127.0.0.1:{port}"
    finally:
        os.killpg(server.pid, 15)
        server.wait(60)


def _wait(address: str) -> None:
    for _ in range(1500):
        with suppress(OSError), urllib.request.urlopen(address, timeout=2) as answer:  # noqa: S310
            if answer.status == 200:
                return
        time.sleep(0.2)
    raise TimeoutError(address)
