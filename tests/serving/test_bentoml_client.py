"""What a user of BentoML expects: a description with types, its client, and `bentoml serve`."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from mizzen.errors import InvalidData
from mizzen_serving.bento import packed_service
from mizzen_serving.package import build

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
    row = routes["predict"]["input"]["properties"]["rows"]["items"]
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


def test_bentoml_serve_answers_its_own_client(
    bento: Path, tmp_path: Path, free_port: Any, wait_for: Any
) -> None:
    import bentoml

    port = free_port()
    address = f"http://127.0.0.1:{port}"
    process = subprocess.Popen(
        [sys.executable, "-m", "bentoml", "serve", str(bento), "--port", str(port)],
        env={**os.environ, "MIZZEN_HOME": str(tmp_path / "home"), "BENTOML_HOME": str(tmp_path)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        wait_for(f"{address}/readyz", process)
        with bentoml.SyncHTTPClient(address) as client:
            told = client.predict(rows=[ROW])
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.communicate(timeout=60)
    assert (told["model"], told["version"], len(told["predictions"])) == ("tiny", 3, 1)


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
