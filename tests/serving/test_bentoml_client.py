"""What a user of BentoML expects: a description with types, its client, and `bentoml serve`."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from mizzen.core.place import Place
from mizzen.errors import IntegrityError, InvalidData, UserError
from mizzen_serving.bento import open_service, packed_service
from mizzen_serving.options import ServeOptions
from mizzen_serving.package import build, build_without_model

ROW = {"flight": 7, "at": "2013-07-01T12:00:00Z", "distance": 5, "wind": 2.5, "carrier": "UA"}
LOST = {"prediction_id": "00000000-0000-4000-8000-000000000000", "value": 1}


@pytest.fixture(scope="module")
def bento(package_of: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(package_of("binary"), tmp_path_factory.mktemp("bentos"), version=3)


def test_a_bento_describes_its_methods_with_their_types(bento: Path) -> None:
    described = yaml.safe_load((bento / "bento.yaml").read_text())
    routes = {route["name"]: route for route in described["schema"]["routes"]}
    assert {name: route["route"] for name, route in routes.items()} == {
        "predict": "/predict",
        "labels": "/labels",
    }
    row = routes["predict"]["input"]["properties"]["rows"]["items"]["oneOf"][0]
    assert set(row["properties"]) >= {"distance", "wind", "carrier", "flight", "at"}
    assert set(row["required"]) == {"distance", "carrier"}
    answer = routes["predict"]["output"]["properties"]["predictions"]["items"]
    assert set(answer["properties"]["output"]["properties"]) == {"probability", "label"}


def test_bentomls_own_client_is_answered_as_any_other(launch: Any, package_of: Any) -> None:
    import bentoml

    service = launch(package=package_of("binary"))
    service.wait_ready()
    status, body = service.ask("POST", "/predict", {"rows": [ROW]})
    with bentoml.SyncHTTPClient(f"http://127.0.0.1:{service.port}") as client:
        told = client.predict(rows=[ROW])
        assert status == 200
        assert told["predictions"][0]["output"] == yaml.safe_load(body)["predictions"][0]["output"]
        assert client.labels(labels=[LOST])["unconfirmed"] == [LOST["prediction_id"]]
        with pytest.raises(bentoml.exceptions.BentoMLException, match="carier"):
            client.predict(rows=[{**ROW, "carier": "UA"}])
        with pytest.raises(bentoml.exceptions.BentoMLException, match="vlaue"):
            client.labels(labels=[{**LOST, "vlaue": 0}])


@pytest.fixture
def bentoml_serve(tmp_path: Path, free_port: Any, wait_for: Any) -> Iterator[Callable[..., str]]:
    """Runs `bentoml serve` on a folder; returns its address once it is ready."""
    started: list[subprocess.Popen[str]] = []

    def start(bento: Path, **variables: str) -> str:
        port = free_port()
        own = {"MIZZEN_HOME": str(tmp_path / "home"), "BENTOML_HOME": str(tmp_path / "bentoml")}
        process = subprocess.Popen(
            [sys.executable, "-m", "bentoml", "serve", str(bento), "--port", str(port)],
            env={**os.environ, **own, **variables},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        started.append(process)
        wait_for(f"http://127.0.0.1:{port}/readyz", process)
        return f"http://127.0.0.1:{port}"

    yield start
    for process in started:
        os.killpg(process.pid, signal.SIGTERM)
        process.communicate(timeout=60)


def test_bentoml_serve_answers_its_own_client(
    bento: Path, bentoml_serve: Callable[..., str]
) -> None:
    import bentoml

    with bentoml.SyncHTTPClient(bentoml_serve(bento)) as client:
        told = client.predict(rows=[ROW])
    assert (told["model"], told["version"], len(told["predictions"])) == ("tiny", 3, 1)


def test_a_bento_without_a_model_serves_the_version_that_it_is_told(
    package_of: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    bentoml_serve: Callable[..., str],
    launch: Any,
) -> None:
    import bentoml

    package = package_of("binary")
    monkeypatch.setenv("MIZZEN_SERVING", json.dumps({"package": str(package), "version": 9}))
    shared = build_without_model(tmp_path / "bentos")
    monkeypatch.delenv("MIZZEN_SERVING")
    assert not list(shared.rglob("manifest.json"))
    assert "carrier" not in (shared / "bento.yaml").read_text()
    chosen = json.dumps({"package": str(package), "version": 5})
    address = bentoml_serve(shared, MIZZEN_SERVING=chosen)
    assert "carrier" in httpx.get(f"{address}/schema.json").text
    with bentoml.SyncHTTPClient(address) as client:
        told = client.predict(rows=[ROW])
        with pytest.raises(bentoml.exceptions.BentoMLException, match="carier"):
            client.predict(rows=[{**ROW, "carier": "UA"}])
    service = launch("--bento", str(shared), package=package)
    service.wait_ready()
    status, body = service.ask("POST", "/predict", {"rows": [ROW]})
    assert (status, told["version"]) == (200, 5)
    assert json.loads(body)["predictions"][0]["output"] == told["predictions"][0]["output"]
    assert "carrier" in service.ask("GET", "/schema.json")[1].decode()


def test_a_bento_without_a_model_says_what_it_lacks() -> None:
    for text, fault in (
        ("{}", "names no package and no version"),
        ("[1]", "no JSON object"),
        ("nonsense", "no JSON object"),
        ('{"package": "/p", "version": 1, "port": 80}', "cannot set 'port'"),
    ):
        with pytest.raises(UserError, match=fault):
            ServeOptions.from_environment({"MIZZEN_SERVING": text})


OF_ANOTHER = "import bentoml\n\n@bentoml.service\nclass Other: ...\n"


@pytest.mark.parametrize("sources", [{}, {"service.py": OF_ANOTHER}])
def test_a_folder_that_is_no_bento_of_ours_is_refused_with_what_to_do(
    sources: dict[str, str], place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MIZZEN_SERVING", "{}")  # given back after the test
    monkeypatch.setitem(sys.modules, "service", sys)  # gone again after the test
    monkeypatch.delitem(sys.modules, "service")
    for name, text in sources.items():
        (tmp_path / name).write_text(text)
    options = ServeOptions(tmp_path / "package", 3, bento=tmp_path)
    with pytest.raises(IntegrityError, match="no Bento that Mizzen serves with") as refused:
        open_service(options, place)
    assert "/usr/share/mizzen/bento" in str(refused.value.allowed)
    assert "build the image on mizzen/serving" in str(refused.value.next_step)


def test_a_service_that_depends_on_it_calls_the_same_path(
    package_of: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MIZZEN_HOME", str(tmp_path))
    inner = packed_service(package_of("binary"), 3).inner
    predictions = inner()
    try:
        told = asyncio.run(predictions.predict(rows=[ROW]))
        assert told["predictions"][0]["missing"] == []
        with pytest.raises(InvalidData, match="distance"):
            asyncio.run(predictions.predict(rows=[{**ROW, "distance": "far"}]))
    finally:
        predictions.stop()
