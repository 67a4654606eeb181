"""Predictions and labels reach the model's own service, and its words come back."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from mizzen.api.settings import ModelServices
from mizzen.control.models.predictions import predict
from mizzen.control.monitoring.labels import PART, add_labels
from mizzen.control.workspace import Workspace, open_workspace
from mizzen.core.true_labels import GivenLabel
from mizzen.errors import InvalidData, NotFound, TemporaryError, UserError
from mizzen_tests.api_server import ApiServer
from mizzen_tests.shop_records import NOW


class Service(ThreadingHTTPServer):
    """Stands where a model's service stands; remembers what it was asked."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.asked: list[tuple[str, Any]] = []
        self.headers_seen: list[dict[str, str]] = []
        self.status = 200
        self.seconds = 0.0


class _Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        service = self.server
        assert isinstance(service, Service)
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        service.asked.append((self.path, body))
        service.headers_seen.append(dict(self.headers))
        time.sleep(service.seconds)
        told: dict[str, Any] = {"accepted": len(body.get("labels", ())), "version": 7}
        if service.status != 200:
            told = {"error": "InvalidData", "message": "no", "given": "x", "allowed": "y"}
        content = json.dumps(told).encode()
        self.send_response(service.status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@pytest.fixture
def service() -> Iterator[Service]:
    found = Service()
    threading.Thread(target=found.serve_forever, daemon=True).start()
    yield found
    found.shutdown()
    found.server_close()


@pytest.fixture
def shop(
    tmp_path: Any, start_api: Any, database: dict[str, str], service: Service
) -> tuple[Workspace, ApiServer]:
    """A project whose control API knows where the service is."""
    from mizzen.control.scaffold import create

    template = f"http://127.0.0.1:{service.server_port}/{{model}}-stable/{{namespace}}"
    server = start_api(database, "--models", template, "--namespace", "models", "--predicting", "2")
    folder = create(tmp_path / "shop")
    (folder / "profiles" / "local.yaml").write_text(
        "apiVersion: mizzen.dev/v1\nkind: Profile\n"
        f"control: {{url: '{server.address}'}}\ntracking: {{runs: false}}\n"
    )
    workspace = open_workspace(folder)
    workspace.state.projects.ensure("shop", str(folder), NOW)
    return workspace, server


def test_rows_and_labels_pass_through_without_the_token(
    shop: tuple[Workspace, ApiServer], service: Service
) -> None:
    workspace, _ = shop
    assert predict(workspace, [{"a": 1}])["version"] == 7
    labels = [GivenLabel(f"id-{n}", 1.0, NOW.isoformat(), f"row {n}") for n in range(PART + 1)]
    assert add_labels(workspace, labels).accepted == PART + 1
    assert [(path, body.get("dry_run", False)) for path, body in service.asked[1:]] == [
        ("/shop-stable/models/labels", True),
        ("/shop-stable/models/labels", True),
        ("/shop-stable/models/labels", False),
        ("/shop-stable/models/labels", False),
    ]
    assert service.asked[1][1]["labels"][0] == {
        "prediction_id": "id-0",
        "value": 1.0,
        "at": "2026-01-02T03:04:05+00:00",
        "where": "row 0",
    }
    assert not any("authorization" in map(str.lower, seen) for seen in service.headers_seen)


def test_the_services_refusal_comes_back_as_it_was_said(
    shop: tuple[Workspace, ApiServer], service: Service
) -> None:
    service.status = 422
    with pytest.raises(InvalidData, match=r"no(.|\n)*given: x(.|\n)*allowed: y"):
        predict(shop[0], [{"a": 1}])


def test_a_service_that_hangs_or_is_away_is_told_and_rows_are_not_sent_twice(
    shop: tuple[Workspace, ApiServer], service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mizzen.state.remote import connection

    monkeypatch.setattr(connection, "READ_SECONDS", 0.0)
    service.seconds = 10
    with pytest.raises(TemporaryError, match="shop does not answer"):
        predict(shop[0], [{"a": 1}])
    assert len(service.asked) == 1
    service.shutdown()
    service.server_close()
    with pytest.raises(TemporaryError, match="shop does not answer"):
        predict(shop[0], [{"a": 1}])


def test_a_model_that_is_not_served_is_not_found(start_api: Any, database: dict[str, str]) -> None:
    server: ApiServer = start_api(database, "--models", "http://{model}.invalid")
    state = server.state()
    state.projects.ensure("shop", "", NOW)
    import httpx

    headers = {"Authorization": "Bearer a-token-of-the-tests"}
    told = httpx.post(
        f"{server.address}/api/v1/projects/shop/predict", json={}, headers=headers, timeout=30
    )
    assert told.status_code in {404, 503}  # 503 where the machine has no name server at all
    assert "service" in told.json()["detail"]
    with pytest.raises(NotFound, match="no project"):
        from mizzen.spec.profile import Control
        from mizzen.state.remote import connect

        connect(Control(url=server.address)).ask_once("/projects/other/predict", {})


@pytest.mark.parametrize(
    "template", ["", "{model}", "ftp://{model}", "http://stable", "http://{model}.{x}", "http://{"]
)
def test_what_is_no_template_of_addresses_is_refused(template: str) -> None:
    with pytest.raises(UserError, match="--models"):
        ModelServices(template, "default")
