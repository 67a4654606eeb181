"""The one client of other servers: what it repeats, where it goes, what it carries."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from mizzen.adapters.http.client import FAULTS, HttpClient
from mizzen.adapters.http.proxies import proxy_of


class Server(ThreadingHTTPServer):
    """Answers with `statuses` in turn, the last one for ever; remembers what it was asked."""

    daemon_threads = True

    def __init__(self, *statuses: int) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.statuses, self.asked = list(statuses), list[tuple[str, dict[str, str]]]()
        self.address = f"http://127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        server = self.server
        assert isinstance(server, Server)
        server.asked.append((self.path, dict(self.headers)))
        status = server.statuses.pop(0) if len(server.statuses) > 1 else server.statuses[0]
        if not status:
            self.close_connection = True  # no answer at all
            return
        self.send_response(status)
        self.send_header("location", "/elsewhere")
        self.send_header("content-length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    do_POST = do_GET  # noqa: N815 (its base names it)

    def log_message(self, *_: object) -> None: ...


@contextmanager
def serving(*statuses: int) -> Iterator[Server]:
    with Server(*statuses) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_a_server_that_is_away_is_asked_again(status: int) -> None:
    with serving(status, status, 200) as server:
        answer = HttpClient(server.address).ask("GET", "/", patience=30)
        assert (answer.status, len(server.asked)) == (200, 3)


@pytest.mark.parametrize(("status", "times"), [(429, 2), (503, 2), (502, 1), (504, 1), (500, 1)])
def test_what_must_not_be_done_twice_is_asked_again_only_where_it_was_not_done(
    status: int, times: int
) -> None:
    with serving(status, 200) as server:
        HttpClient(server.address).ask("POST", "/", b"{}", patience=30, once=True)
        assert len(server.asked) == times


def test_a_request_whose_answer_was_lost_is_repeated_unless_it_is_for_once() -> None:
    with serving(0, 200) as server:
        assert HttpClient(server.address).ask("POST", "/", b"{}", patience=30).status == 200
    with serving(0) as server:
        with pytest.raises(FAULTS):
            HttpClient(server.address).ask("POST", "/", b"{}", patience=30, once=True)
        assert len(server.asked) == 1


def test_without_patience_a_server_is_asked_once() -> None:
    with serving(503) as server:
        assert HttpClient(server.address).ask("GET", "/").status == 503
        assert len(server.asked) == 1


def test_credentials_follow_no_redirect() -> None:
    with serving(302) as server:
        client = HttpClient(server.address, headers={"Authorization": "Bearer x"})
        assert client.ask("GET", "/a").status == 302
        assert [path for path, _ in server.asked] == ["/a"]


def test_a_proxy_of_the_environment_is_asked_for_others_and_never_for_this_machine(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("NO_PROXY", "no_proxy", "HTTP_PROXY"):
        monkeypatch.delenv(name, raising=False)
    with serving(200) as proxy:
        monkeypatch.setenv("http_proxy", proxy.address.replace("//", "//me:secret@"))
        client = HttpClient("http://mlflow.example:5000/below", proxied=True)
        assert client.send("GET", "/x?y=1").status == 200
        with client.open("GET", "/z") as answer:
            assert answer.read() == b"{}"
        assert [path for path, _ in proxy.asked] == [
            "http://mlflow.example:5000/below/x?y=1",
            "http://mlflow.example:5000/below/z",
        ]
        assert proxy.asked[0][1]["Proxy-Authorization"] == "Basic bWU6c2VjcmV0"
        with serving(200) as own:
            assert HttpClient(own.address, proxied=True).send("GET", "/own").status == 200
            assert len(own.asked) == 1
        monkeypatch.setenv("no_proxy", "mlflow.example")
        assert proxy_of("http://mlflow.example:5000") is None
        assert proxy_of("http://other.example:5000") is not None


def test_a_local_command_loads_no_client_of_http() -> None:
    code = (
        "import sys, mizzen.project, mizzen.control.runs.submit, mizzen.control.models.promote\n"
        "names = ('httpx', 'requests', 'http.client', 'urllib.request', 'mizzen.adapters.http')\n"
        "print([name for name in names if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
