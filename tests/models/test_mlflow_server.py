"""The same registry and tracker over HTTP, against a real MLflow server."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from mizzen.adapters.mlflow import connection
from mizzen.adapters.mlflow.registry import MLflowRegistry
from mizzen.adapters.mlflow.tracker import MLflowTracker
from mizzen.core.place import Place

from .conftest import a_place, description, spec_of

pytestmark = pytest.mark.slow


@pytest.fixture
def remote(database: Path, tmp_path: Path) -> Iterator[Place]:
    """A place whose profile names a server."""
    shutil.copyfile(database, tmp_path / "server.db")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    options = {
        "backend-store-uri": f"sqlite:///{tmp_path / 'server.db'}",
        "artifacts-destination": str(tmp_path / "artifacts"),
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
        yield a_place(tmp_path / "home", tracking={"uri": f"http://127.0.0.1:{port}"})
    finally:
        os.killpg(server.pid, 15)
        server.wait(60)


def _wait(address: str) -> None:
    for _ in range(600):
        with suppress(OSError), urllib.request.urlopen(address, timeout=2) as answer:  # noqa: S310
            if answer.status == 200:
                return
        time.sleep(0.2)
    raise TimeoutError(address)


def test_a_version_registers_once_is_fetched_bit_equal_and_gets_its_alias(
    remote: Place, tmp_path: Path
) -> None:
    package = tmp_path / "package"
    (package / "evaluation").mkdir(parents=True)
    (package / "project.json").write_text(spec_of(description()).model_dump_json(by_alias=True))
    (package / "evaluation" / "metrics.json").write_text("{}")
    tracker = MLflowTracker(remote)
    tracker.start("run-1", "rides training", {"end": ""})
    registry = MLflowRegistry(remote)
    for _ in range(2):
        assert registry.register("rides", package, "run-1", {"a": "b"}, {"auc": 0.5}, {}) == 1
    folder = registry.fetch("rides", 1, tmp_path / "elsewhere")
    names = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert names == {"project.json", "evaluation/metrics.json", "MLmodel"}
    registry.set_alias("rides", "champion", 1)
    found = registry.get("rides", 1)
    assert (found.aliases, found.metrics, found.tags["a"]) == (("champion",), {"auc": 0.5}, "b")
    client = connection.connect(remote)
    runs = client.search_runs([connection.experiment(client, remote)])
    assert {run.info.run_name for run in runs} == {"rides training", "model"}
    assert not list((remote.home / "tracking").glob("*.json"))
