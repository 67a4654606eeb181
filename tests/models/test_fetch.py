"""What the init container of a service does: one version's package, from a real server."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest

from mizzen.adapters.files.model_folder import read_manifest
from mizzen.adapters.mlflow.package import digest_of
from mizzen.adapters.mlflow.registry import MLflowRegistry
from mizzen.adapters.mlflow.rest import MlflowServer
from mizzen.core.place import Place
from mizzen.errors import NotFound
from mizzen_serving.fetch_model import main
from mizzen_serving.package import as_onnx

from .conftest import TORCH, Make, a_place, description, spec_of

pytestmark = pytest.mark.slow


@pytest.fixture
def package(harness: Make, remote: Place, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A whole package of a torch model, made in another place."""
    made = harness(trainer=TORCH)
    model = made.train()
    made.register(model, made.evaluate(model)[1])
    monkeypatch.setenv(*next(iter(remote.to_environment().items())))
    return made.folder / "package"


@pytest.fixture
def minimal_package(tmp_path: Path) -> Path:
    """The least that a registry asks of a package."""
    folder = tmp_path / "package"
    (folder / "evaluation").mkdir(parents=True)
    (folder / "project.json").write_text(spec_of(description()).model_dump_json(by_alias=True))
    (folder / "evaluation" / "metrics.json").write_text("{}")
    return folder


@pytest.fixture(autouse=True)
def in_a_pod(remote: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in remote.to_environment().items():
        monkeypatch.setenv(name, value)


def registered(place: Place, package: Path, run: str = "run-1") -> int:
    return MLflowRegistry(place).register(place.project, package, run, {}, {}, {})


def fetch(into: Path, version: object = 1, *options: str) -> int:
    return main(["--version", str(version), "--into", str(into), *options])


def test_the_package_is_what_was_registered(
    remote: Place, minimal_package: Path, tmp_path: Path
) -> None:
    registered(remote, minimal_package)
    assert fetch(tmp_path / "pod") == 0
    assert digest_of(tmp_path / "pod" / "package") == digest_of(minimal_package)


def test_a_second_start_needs_no_registry(
    remote: Place,
    minimal_package: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    registered(remote, minimal_package)
    pod = tmp_path / "pod"
    assert fetch(pod) == 0
    monkeypatch.setattr(MlflowServer, "_open", lambda *_: pytest.fail("the registry was asked"))
    assert fetch(pod) == 0
    assert capsys.readouterr().out.splitlines()[-2:] == [str(pod / "package")] * 2


def test_a_damaged_folder_is_fetched_anew(
    remote: Place, minimal_package: Path, tmp_path: Path
) -> None:
    registered(remote, minimal_package)
    pod = tmp_path / "pod"
    fetch(pod)
    (pod / "package" / "project.json").write_text("{}")
    assert fetch(pod) == 0
    assert digest_of(pod / "package") == digest_of(minimal_package)


def test_another_version_replaces_the_one_before(
    remote: Place, minimal_package: Path, tmp_path: Path
) -> None:
    registered(remote, minimal_package)
    (minimal_package / "evaluation" / "metrics.json").write_text('{"other": 1}')
    registered(remote, minimal_package)
    pod = tmp_path / "pod"
    assert (fetch(pod, 1), fetch(pod, 2)) == (0, 0)
    assert digest_of(pod / "package") == digest_of(minimal_package)
    assert not (pod / ".versions" / remote.project / "1").exists()


def test_a_version_that_does_not_exist_names_those_that_do(
    remote: Place, minimal_package: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    registered(remote, minimal_package)
    assert fetch(tmp_path / "pod", 7) == 3
    assert f"{remote.project} has no version 7\n  allowed: 1" in capsys.readouterr().err
    assert not (tmp_path / "pod" / "package").exists()


@pytest.mark.parametrize("alias", ["champion", "0", "-1", "1.5", "٣"])
def test_an_alias_is_refused(
    alias: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([f"--version={alias}", "--into", str(tmp_path)]) == 3
    assert "resolve the alias once" in capsys.readouterr().err


def test_what_is_stored_and_not_what_was_registered_is_refused(
    remote: Place,
    minimal_package: Path,
    tmp_path: Path,
    mlflow_files: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    registered(remote, minimal_package)
    newest = max(mlflow_files.glob("*/*/artifacts/model"), key=lambda f: f.stat().st_mtime)
    (newest / "project.json").write_text("{}")
    assert fetch(tmp_path / "pod") == 6
    assert "is not what was registered" in capsys.readouterr().err
    assert not (tmp_path / "pod" / "package").exists()


def test_a_registry_that_stays_away_is_told_with_its_own_status(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    place = a_place(tmp_path / "home", tracking={"uri": f"http://127.0.0.1:{closed_port()}"})
    monkeypatch.setenv(*next(iter(place.to_environment().items())))
    assert fetch(tmp_path / "pod", 1, "--patience", "1") == 7
    told = capsys.readouterr().err
    assert "again in 0.5 s" in told
    assert "MLflow does not answer" in told


def test_a_registry_that_comes_back_is_waited_for(
    remote: Place, minimal_package: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    registered(remote, minimal_package)
    port = closed_port()
    away = a_place(tmp_path / "home", tracking={"uri": f"http://127.0.0.1:{port}"})
    away = replace(away, project=remote.project)
    monkeypatch.setenv(*next(iter(away.to_environment().items())))
    server = int(str(remote.profile.tracking.uri).rpartition(":")[2])
    threading.Thread(target=forward, args=(port, server), daemon=True).start()
    assert fetch(tmp_path / "pod", 1, "--patience", "60") == 0


def test_a_torch_model_comes_as_its_onnx_variant_where_torch_is_absent(
    remote: Place,
    package: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    registry = MLflowRegistry(remote)
    version = registered(remote, package)
    exported = as_onnx(package, tmp_path / "exported", remote)
    with monkeypatch.context() as without_torch:
        without_torch.setitem(sys.modules, "torch", None)
        assert fetch(tmp_path / "pod", version) == 3
        assert f"mizzen models export {version}" in capsys.readouterr().err
    for _ in range(2):
        registry.add_variant(remote.project, version, "onnx", exported)
    assert registry.get(remote.project, version).variants == ("onnx",)
    with monkeypatch.context() as without_torch:
        without_torch.setitem(sys.modules, "torch", None)
        for _ in range(2):
            assert fetch(tmp_path / "pod", version) == 0
            assert read_manifest(tmp_path / "pod" / "package")[0].framework == "onnx"
    assert fetch(tmp_path / "pod", version) == 0
    assert read_manifest(tmp_path / "pod" / "package")[0].framework == "torch"
    with pytest.raises(NotFound, match="no tflite variant"):
        registry.fetch(remote.project, version, tmp_path, "tflite")


def test_a_report_about_a_version_is_kept_beside_it(
    remote: Place, minimal_package: Path, tmp_path: Path, mlflow_files: Path
) -> None:
    version = registered(remote, minimal_package)
    shutil.copytree(minimal_package / "evaluation", tmp_path / "report")
    address = MLflowRegistry(remote).keep(remote.project, version, tmp_path / "report", "june")
    assert address.endswith("/artifacts/june")
    kept = list(mlflow_files.glob("*/*/artifacts/june/metrics.json"))
    assert [file.read_text() for file in kept] == ["{}"]


def test_fetching_imports_no_heavy_library(
    remote: Place, minimal_package: Path, tmp_path: Path
) -> None:
    registered(remote, minimal_package)
    script = (
        "import sys; from mizzen_serving.fetch_model import main\n"
        f"assert main(['--version', '1', '--into', {str(tmp_path / 'pod')!r}]) == 0\n"
        "heavy = {'mlflow', 'torch', 'pandas', 'bentoml', 'prometheus_client', 'requests'}\n"
        "print(sorted(heavy & set(sys.modules)), file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        env=dict(os.environ),
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stderr.strip() == "[]"


def closed_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def forward(port: int, to: int) -> None:
    """After a moment, a port behind which a server answers."""
    time.sleep(1.0)
    with socket.create_server(("127.0.0.1", port)) as listener:
        while True:
            client, _ = listener.accept()
            server = socket.create_connection(("127.0.0.1", to))
            for source, sink in ((client, server), (server, client)):
                threading.Thread(target=pump, args=(source, sink), daemon=True).start()


def pump(source: socket.socket, sink: socket.socket) -> None:
    while data := source.recv(65536):
        sink.sendall(data)
    sink.close()
