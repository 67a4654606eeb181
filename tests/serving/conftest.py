"""Places, logs, and a tiny registered package of each task for the serving tests."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import http.client
import json
import os
import random
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import prometheus_client  # noqa: F401 - before Feast, which changes how figures are kept
import pytest

from mizzen.adapters import backends, bundle
from mizzen.adapters.files.model_folder import write_manifest
from mizzen.adapters.segment_log.log import SegmentLog
from mizzen.core.encoding import CategoryColumn, Encoder, NumberColumn
from mizzen.core.manifest import Manifest
from mizzen.core.place import Place
from mizzen.core.views import VersionedView, versioned
from mizzen.ports.framework import TrainingJob
from mizzen.spec.operation import PredictionLogSettings
from mizzen.spec.profile import Profile
from mizzen.spec.project import ProjectSpec
from mizzen_serving.app import ServingApp
from mizzen_serving.options import ServeOptions

OpenLog = Callable[..., SegmentLog]
METRICS = {"binary": "roc_auc", "multiclass": "accuracy", "regression": "mae"}
JSON = {"Content-Type": "application/json"}
CLASSES = {"binary": ("0", "1"), "multiclass": ("ash", "elm", "oak"), "regression": ()}


@pytest.fixture(scope="session")
def place_in() -> Callable[[Path], Place]:
    def make(home: Path) -> Place:
        profile = Profile.model_validate({"apiVersion": "mizzen.dev/v1", "kind": "Profile"})
        return Place("tiny", home, profile)

    return make


@pytest.fixture
def place(tmp_path: Path, place_in: Callable[[Path], Place]) -> Place:
    return place_in(tmp_path / "home")


@pytest.fixture
def open_log(place: Place) -> Iterator[OpenLog]:
    """Opens logs of the place, with settings as keywords; all are closed at the end."""
    logs: list[SegmentLog] = []

    def open_one(**settings: object) -> SegmentLog:
        logs.append(SegmentLog(place, PredictionLogSettings.model_validate(settings)))
        return logs[-1]

    yield open_one
    for log in logs:
        log.close()


def tiny_project(task: str = "binary", **changes: Any) -> ProjectSpec:
    """Flights in small: two numbers and a category, one of them optional."""
    document: dict[str, Any] = {
        "apiVersion": "mizzen.dev/v1",
        "kind": "Project",
        "name": "tiny",
        "task": task,
        "data": {"source": {"path": "rows.parquet"}, "key": ["flight"], "event_time": "at"},
        "features": {
            "columns": [
                {"name": "distance"},
                {"name": "wind", "required": False},
                {"name": "carrier", "kind": "category"},
            ]
        },
        "label": {"column": "late"},
        "split": {"by": "time", "test": "30d"},
        "trainer": {"kind": "lightgbm", "parameters": {"num_rounds": 5}},
        "evaluation": {"metrics": [METRICS[task]]},
    }
    return ProjectSpec.model_validate({**document, **changes})


def build_package(
    folder: Path, place: Place, project: ProjectSpec, code: Path | None = None, rows: int = 400
) -> Path:
    """A package as `register` makes it, trained on noise with some signal."""
    folder.mkdir(parents=True)
    noise = np.random.default_rng(7)
    inputs = project.features.inputs
    encoder = Encoder(
        tuple(
            NumberColumn(c.name, 10.0, 4.0, True, -5.0, 25.0) for c in inputs if c.kind == "number"
        ),
        tuple(CategoryColumn(c.name, ("AA", "DL", "UA")) for c in inputs if c.kind == "category"),
        CLASSES[project.task],
    )
    columns: dict[str, Any] = {
        c.name: noise.normal(10, 4, rows)
        if c.kind == "number"
        else noise.choice(["AA", "DL", "UA"], rows)
        for c in inputs
    }
    signal = columns[encoder.numbers[0].name] + noise.normal(0, 1, rows)
    labels = signal if project.task == "regression" else (signal > 10).astype(float)
    if project.task == "multiclass":
        labels = np.digitize(signal, [8.0, 12.0]).astype(float)
    framework = backends.load_backend("framework", project.trainer.kind)(place)
    job = TrainingJob(
        project.task,
        project.trainer,
        encoder,
        encoder.encode(columns),
        labels,
        code or folder,
        place.home,
    )
    fitted = framework.fit(job, folder)
    digests = {n: hashlib.sha256((folder / n).read_bytes()).hexdigest() for n in fitted.files}
    manifest = Manifest(
        project.trainer.kind,
        project.task,
        project.trainer.model or project.trainer.function,
        digests,
        fitted.libraries,
        fitted.weights_hash,
        views={view.name: view.record() for view in versions(project)},
    )
    write_manifest(folder, manifest, encoder)
    if code is not None:
        digest = bundle.pack(code, place.home / "bundles")
        shutil.copy(place.home / "bundles" / f"{digest}.tar", folder / "bundle.tar")
    document = project.model_dump(mode="json", by_alias=True)
    (folder / "project.json").write_text(json.dumps(document))
    return folder


@pytest.fixture(scope="session")
def package_of(
    tmp_path_factory: pytest.TempPathFactory, place_in: Callable[[Path], Place]
) -> Callable[[str], Path]:
    """The package of a tiny project of each task, built once."""
    built: dict[str, Path] = {}

    def get(task: str) -> Path:
        if task not in built:
            folder = tmp_path_factory.mktemp("packages") / task
            built[task] = build_package(folder, place_in(folder), tiny_project(task))
        return built[task]

    return get


@pytest.fixture(scope="session")
def tiny() -> Callable[..., ProjectSpec]:
    return tiny_project


# As `python -m mizzen_serving`, where a library may be absent.
START = """
import runpy, sys
sys.modules.update(dict.fromkeys("{absent}".split()))
runpy.run_module("mizzen_serving", run_name="__main__", alter_sys=True)
"""


class Service:
    """A started process and how to ask it."""

    def __init__(self, process: subprocess.Popen[str], port: int) -> None:
        self.process = process
        self.port = port

    def connect(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)

    def ask(self, method: str, path: str, body: Any = None) -> tuple[int, bytes]:
        connection = self.connect()
        connection.request(method, path, None if body is None else json.dumps(body), JSON)
        answer = connection.getresponse()
        return answer.status, answer.read()

    def wait_ready(self) -> None:
        wait_until_ready(f"http://127.0.0.1:{self.port}/readyz", self.process)


def versions(project: ProjectSpec) -> tuple[VersionedView, ...]:
    """The project's views as if computed by some code."""
    return tuple(versioned(view, "c0de", {}) for view in project.features.used_views)


@pytest.fixture
def launch(package_of: Callable[[str], Path], place: Place) -> Iterator[Callable[..., Service]]:
    """Starts services that end with the test."""
    with launching(package_of, place) as launch_one:
        yield launch_one


@pytest.fixture(scope="module")
def module_launch(
    package_of: Callable[[str], Path],
    place_in: Callable[[Path], Place],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Callable[..., Service]]:
    """Starts services that many tests share."""
    with launching(package_of, place_in(tmp_path_factory.mktemp("home"))) as launch_one:
        yield launch_one


@contextlib.contextmanager
def launching(package_of: Callable[[str], Path], place: Place) -> Iterator[Callable[..., Service]]:
    started: list[Service] = []

    def launch_one(
        *options: str,
        package: Path | None = None,
        port: int = 0,
        absent: str = "",
        limits: dict[str, Any] | None = None,
    ) -> Service:
        port = port or find_port()
        start = START.format(absent=absent)
        command = [sys.executable, "-c", start, "--version", "3", *options]
        command += ["--package", str(package or package_of("binary")), "--port", str(port)]
        process = subprocess.Popen(
            command,
            env={**os.environ, **place.to_environment(), "MIZZEN_LIMITS": json.dumps(limits or {})},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(Service(process, port))
        return started[-1]

    yield launch_one
    for service in started:
        if service.process.poll() is None:
            service.process.kill()
        service.process.communicate()


def wait_until_ready(url: str, process: subprocess.Popen[str]) -> None:
    for _ in range(2400):
        try:
            with urllib.request.urlopen(url, timeout=5) as answer:  # noqa: S310 - loopback
                if answer.status == 200:
                    return
        except OSError:
            pass
        if process.poll() is not None:
            break
        time.sleep(0.1)
    process.kill()
    raise AssertionError(process.communicate())


@pytest.fixture
def wait_for() -> Callable[[str, subprocess.Popen[str]], None]:
    return wait_until_ready


@pytest.fixture
def free_port() -> Callable[[], int]:
    return find_port


def find_port() -> int:
    """Below those that the kernel gives to connections: one of theirs could be taken again
    before the process that is told of it has started."""
    while True:
        port = random.randrange(20_000, 32_000)
        with contextlib.suppress(OSError), socket.socket() as probe:
            probe.bind(("127.0.0.1", port))
            return port


@pytest.fixture(scope="session", name="build_package")
def package_builder() -> Callable[..., Path]:
    return build_package


class Ask:
    """Asks an application as a client would."""

    def __init__(self, app: ServingApp) -> None:
        self.app = app

    def __call__(self, method: str, path: str, **parts: Any) -> httpx.Response:
        return asyncio.run(self._ask(method, path, [parts]))[0]

    def at_once(self, count: int, method: str, path: str, **parts: Any) -> list[httpx.Response]:
        return asyncio.run(self._ask(method, path, [parts] * count))

    def each(self, method: str, path: str, bodies: list[bytes]) -> list[httpx.Response]:
        """All bodies at once."""
        return asyncio.run(self._ask(method, path, [{"content": body} for body in bodies]))

    async def _ask(self, method: str, path: str, all_parts: list[Any]) -> list[httpx.Response]:
        transport = httpx.ASGITransport(self.app)
        async with httpx.AsyncClient(transport=transport, base_url="http://service") as client:
            asked = (client.request(method, path, **parts) for parts in all_parts)
            return list(await asyncio.gather(*asked))


@pytest.fixture
def start(package_of: Callable[[str], Path], place: Place) -> Iterator[Callable[..., Ask]]:
    """Starts the application of a task in this process; gives a function that asks it."""
    apps: list[ServingApp] = []

    def start_one(
        task: str = "binary", package: Path | None = None, queue: int = 99, **options: Any
    ) -> Ask:
        app = ServingApp()
        app.start(ServeOptions(package or package_of(task), 3, queue=queue, **options), place)
        apps.append(app)
        return Ask(app)

    yield start_one
    for app in apps:
        app.stop()
