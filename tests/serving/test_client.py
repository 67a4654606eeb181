"""The client that the command line and the replay use."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer

import numpy as np
import pandas as pd
import pytest

from mizzen.adapters.segment_log.log import SegmentLog
from mizzen.errors import InvalidData, TemporaryError, UserError
from mizzen.ports.prediction_log import TrueLabel
from mizzen_serving import client as module
from mizzen_serving.client import Client
from mizzen_serving.ids import id_of_key

ROW = {"flight": 7, "at": "2013-07-01T12:00:00Z", "distance": 5, "carrier": "UA"}


@pytest.fixture
def address(launch) -> str:
    service = launch()
    service.wait_ready()
    return f"http://127.0.0.1:{service.port}"


def test_a_table_is_predicted_in_batches_and_labelled(address, place) -> None:
    table = pd.DataFrame(
        {
            "flight": np.arange(25),
            "at": pd.date_range("2013-07-01", periods=25, freq="h", tz="UTC"),
            "distance": np.linspace(0, 20, 25),
            "wind": [None, 2.5] * 12 + [None],
            "carrier": pd.Series(["AA", None, "UA", "DL", "AA"] * 5, dtype="string"),
        }
    )
    with Client(address, batch=10) as client:
        assert client.served() == ("tiny", 3)
        answers = client.predict(table.to_dict("records"))
        late = datetime(2013, 7, 2, tzinfo=UTC)
        assert client.label([TrueLabel(a.prediction_id, 1, late) for a in answers]) == 25
        with pytest.raises(InvalidData, match=r"rows\[1\].distance"):
            client.predict([ROW, {**ROW, "distance": "far"}])
    log = SegmentLog(place)
    assert [p.key["flight"] for p in log.read()] == list(range(25))
    assert set(log.labels()) == {answer.prediction_id for answer in answers}
    assert answers[0].missing == ("wind",)


def test_who_is_away_and_what_is_no_address_is_told(monkeypatch) -> None:
    monkeypatch.setattr(module, "_PATIENCE_SECONDS", 0.2)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        nobody = f"http://127.0.0.1:{probe.getsockname()[1]}"
    assert not Client(nobody).ready()
    with pytest.raises(TemporaryError, match="no service answers"):
        Client(nobody).predict([ROW])
    with pytest.raises(UserError, match="http://HOST:PORT"):
        Client("localhost:3000")


def test_a_service_behind_a_gateway_is_asked_below_its_prefix() -> None:
    asked = []

    class Gateway(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            body = b'{"model": "tiny", "version": 3}'
            self.send_response(200)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    with HTTPServer(("127.0.0.1", 0), Gateway) as server:
        threading.Thread(target=server.handle_request).start()
        with Client(f"http://127.0.0.1:{server.server_port}/models/tiny/") as client:
            assert client.served() == ("tiny", 3)
    assert asked == ["/models/tiny/readyz"]


@pytest.mark.parametrize("ids", [True, False])
def test_a_broken_request_is_repeated_only_with_ids(monkeypatch, ids: bool) -> None:
    """A server that takes each request and hangs up before it answers."""
    monkeypatch.setattr(module, "_PATIENCE_SECONDS", 0.5)
    seen = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def hang_up() -> None:
            with suppress(OSError):  # the test is over
                while True:
                    connection, _ = server.accept()
                    seen.append(connection.recv(65_536))
                    connection.close()

        threading.Thread(target=hang_up, daemon=True).start()
        row = {**ROW, "prediction_id": id_of_key("tiny", (7,))} if ids else ROW
        with pytest.raises(TemporaryError):
            Client(f"http://127.0.0.1:{server.getsockname()[1]}").predict([row])
        server.shutdown(socket.SHUT_RDWR)
    assert len(seen) > 1 if ids else len(seen) == 1
