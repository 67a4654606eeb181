"""One `/predict` process at 16 connections, beside a stock BentoML and a plain FastAPI service.

Ours runs as it does for users: checks, metrics, prediction ids and the durable log are on. The
peers only predict. Same package (LightGBM, 100 trees, 12 numbers and 3 categories: what users
of tables pick first), same values in every request, one load process, services one at a time
in alternating order. The table shows each service's median round.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent / "predict_peers"
CONNECTIONS = 16
NUMBERS = [f"n{number}" for number in range(12)]
CATEGORIES = ["carrier", "origin", "month"]
Figures = dict[str, Any]


def run(quick: bool = False) -> list[Figures]:
    """One row per service; ratios are of ours to that service."""
    seconds, rounds = (2.0, 1) if quick else (8.0, 3)
    with tempfile.TemporaryDirectory(prefix="bench-predict-") as scratch:
        environment = prepare(Path(scratch))
        found: dict[str, list[Figures]] = {name: [] for name in ("mizzen", "bentoml", "fastapi")}
        for number in range(rounds):
            for name in list(found)[:: 1 if number % 2 == 0 else -1]:
                found[name].append(_measure(name, Path(scratch), environment, seconds))
    return _compare({name: median_of(figures) for name, figures in found.items()})


def prepare(scratch: Path) -> dict[str, str]:
    """Write the package and one request's body; the environment of all services."""
    from mizzen.core.place import Place
    from mizzen.spec.profile import Profile

    profile = Profile.model_validate({"apiVersion": "mizzen.dev/v1", "kind": "Profile"})
    place = Place("bench", scratch / "home", profile)
    _write_package(scratch / "package", place)
    row: dict[str, Any] = {name: 0.125 * n for n, name in enumerate(NUMBERS)}  # as in training
    row |= dict(zip(CATEGORIES, ("UA", "JFK", "7"), strict=True))
    row |= {"flight": 1545, "at": "2013-07-01T12:00:00Z"}
    (scratch / "row.json").write_text(json.dumps(row))
    (scratch / "wrapped.json").write_text(json.dumps({"row": row}))
    return {
        **os.environ,
        **place.to_environment(),
        "BENCH_PACKAGE": str(scratch / "package"),
        "BENTOML_DO_NOT_TRACK": "True",
        "BENTOML_HOME": str(scratch / "bentoml"),
        "PYTHONPATH": os.pathsep.join([str(HERE), *filter(None, sys.path)]),
    }


def _write_package(folder: Path, place: Any) -> None:
    import hashlib

    import numpy as np

    from mizzen.adapters import backends
    from mizzen.adapters.files.model_folder import write_manifest
    from mizzen.core.encoding import Encoder, fit_category, fit_number
    from mizzen.core.manifest import Manifest
    from mizzen.ports.framework import TrainingJob
    from mizzen.spec.project import ProjectSpec

    folder.mkdir()
    columns = [{"name": name} for name in NUMBERS]
    columns += [{"name": name, "kind": "category"} for name in CATEGORIES]
    project = ProjectSpec.model_validate(
        {
            "apiVersion": "mizzen.dev/v1",
            "kind": "Project",
            "name": "bench",
            "task": "binary",
            "data": {"source": {"path": "rows.parquet"}, "key": ["flight"], "event_time": "at"},
            "features": {"columns": columns},
            "label": {"column": "late"},
            "split": {"by": "time", "test": "30d"},
            "trainer": {"kind": "lightgbm", "parameters": {"num_rounds": 100, "num_leaves": 31}},
            "evaluation": {"metrics": ["roc_auc"]},
        }
    )
    noise = np.random.default_rng(1)
    rows = {name: noise.normal(size=20_000) for name in NUMBERS}
    rows |= {n: noise.choice(["UA", "AA", "JFK", "EWR", "7"], 20_000) for n in CATEGORIES}
    labels = (rows["n0"] + rows["n1"] * rows["n2"] + noise.normal(size=20_000) > 0).astype(float)
    encoder = Encoder(
        tuple(fit_number(name, rows[name]) for name in NUMBERS),
        tuple(fit_category(name, rows[name]) for name in CATEGORIES),
        ("0", "1"),
    )
    framework = backends.load_backend("framework", "lightgbm")(place)
    encoded = encoder.encode(rows)
    job = TrainingJob("binary", project.trainer, encoder, encoded, labels, folder, folder)
    fitted = framework.fit(job, folder)
    files = {n: hashlib.sha256((folder / n).read_bytes()).hexdigest() for n in fitted.files}
    write_manifest(folder, Manifest("lightgbm", "binary", None, files, fitted.libraries), encoder)
    (folder / "project.json").write_text(json.dumps(project.model_dump(mode="json", by_alias=True)))


def _measure(name: str, scratch: Path, environment: dict[str, str], seconds: float) -> Figures:
    body = scratch / ("wrapped.json" if name == "bentoml" else "row.json")
    port = free_port()
    command = [sys.executable, "-m", *_words(name, scratch, port)]
    ready = f"http://127.0.0.1:{port}/{'docs' if name == 'fastapi' else 'readyz'}"
    with running(command, environment, ready, scratch / f"{name}.log"):
        return load(port, seconds, body, environment)


def _words(name: str, scratch: Path, port: int) -> list[str]:
    return {
        "mizzen": mizzen_words(scratch, port),
        "bentoml": [
            "bentoml", "serve", "stock_bentoml:Stock", "--host", "127.0.0.1", "--port", str(port),
        ],
        "fastapi": [
            "uvicorn", "plain_fastapi:app", "--port", str(port), "--log-level", "warning",
            "--no-access-log",
        ],
    }[name]  # fmt: skip


def mizzen_words(scratch: Path, port: int) -> list[str]:
    """How our service is started over what `prepare` wrote."""
    package = str(scratch / "package")
    return ["mizzen_serving", "--package", package, "--version", "1", "--port", str(port)]


def load(
    port: int,
    seconds: float,
    body: Path,
    environment: dict[str, str],
    connections: int = CONNECTIONS,
) -> Figures:
    """What a load process measures at a service."""
    words = [sys.executable, str(HERE / "load.py"), str(port), str(connections), str(seconds)]
    done = subprocess.run(
        [*words, str(body)],
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    figures: Figures = json.loads(done.stdout)
    return figures


@contextlib.contextmanager
def running(
    command: list[str], environment: dict[str, str], ready: str, log: Path
) -> Iterator[int]:
    """A service that answers at the address `ready`, by the number of its session; it ends with
    the block."""
    with log.open("ab") as file:
        process = subprocess.Popen(
            command, env=environment, cwd=HERE, stdout=file, stderr=file, start_new_session=True
        )
    try:
        _wait(ready, process, log)
        yield process.pid
    finally:
        process.terminate()
        process.wait(timeout=30)


def _wait(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    for _ in range(600):
        with contextlib.suppress(OSError):
            if urllib.request.urlopen(url, timeout=5).status == 200:  # noqa: S310 - loopback
                return
        if process.poll() is not None:
            break
        time.sleep(0.1)
    raise RuntimeError(f"the service did not start: {log.read_text()[-2000:]}")


def free_port() -> int:
    """Of this machine, for now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def median_of(figures: list[Figures]) -> Figures:
    """The median of each figure over rounds; failures add up."""
    names = ("per_second", "p50_ms", "p99_ms")
    median: Figures = {name: statistics.median(f[name] for f in figures) for name in names}
    return {**median, "failed": sum(f["failed"] for f in figures)}


def _compare(found: dict[str, Figures]) -> list[Figures]:
    ours = found["mizzen"]
    return [
        {
            "service": name,
            **figures,
            "throughput_of_ours": round(ours["per_second"] / figures["per_second"], 2),
            "p99_of_ours": round(ours["p99_ms"] / figures["p99_ms"], 3),
        }
        for name, figures in found.items()
    ]


if __name__ == "__main__":
    for row in run("--quick" in sys.argv):
        print(json.dumps(row))
