"""How the control API ends: no request fails, and nobody who is connected holds it up."""

from __future__ import annotations

import http.client
from typing import Any

import pytest

from mizzen_tests import soak
from mizzen_tests.api_server import TOKEN, ApiServer
from mizzen_tests.load import Clients, Question
from mizzen_tests.shop_records import RUN, fill

AUTHORIZED = {"Authorization": f"Bearer {TOKEN}"}
ASK_RUN = Question("GET", f"/api/v1/projects/shop/runs/{RUN}", AUTHORIZED)


@pytest.fixture
def server(start_api: Any, database: dict[str, str]) -> ApiServer:
    """It runs, and knows a run."""
    found: ApiServer = start_api(database)
    fill(found.state())
    return found


def asked(server: ApiServer, path: str) -> tuple[http.client.HTTPConnection, Any]:
    """A connection over which this was asked, and its answer."""
    connection = server.connect()
    connection.request("GET", path, headers=AUTHORIZED)
    return connection, connection.getresponse()


@pytest.mark.soak
def test_told_to_stop_while_clients_send_no_request_fails(server: ApiServer) -> None:
    """Neither over kept connections nor over new ones, up to the moment when none is taken."""
    for _ in range(soak.examples(1, 10)):
        if server.process is None:
            server.start()
        clients = Clients(server, 3, fresh=3, question=ASK_RUN)
        clients.wait_for(soak.examples(60, 1_000))
        assert server.stop() == 0, server.log.read_text()
        clients.join()
        assert clients.failures == []
        assert {told["id"] for told in clients.answered} == {RUN}


def test_told_to_stop_it_waits_for_no_idle_connection_and_no_stream(server: ApiServer) -> None:
    """Each of them is closed as HTTP says, not cut."""
    idle, answer = asked(server, "/healthz")
    answer.read()
    new = server.connect()
    new.connect()
    _, stream = asked(server, f"/api/v1/projects/shop/runs/{RUN}/events")
    assert stream.readline().startswith(b"id: ")
    assert server.stop() == 0
    assert b"".join(stream).endswith(b"\n\n")
    assert idle.sock.recv(1) == new.sock.recv(1) == b""
    assert "timeout graceful shutdown exceeded" not in server.log.read_text()
