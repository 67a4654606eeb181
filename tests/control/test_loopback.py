"""Addresses of this machine are asked directly, whatever the environment says of proxies."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from mizzen.adapters.loopback import exempt_loopback, is_loopback
from mizzen.control.stack.probes import ask


@pytest.mark.parametrize(
    ("address", "own"),
    [
        ("http://127.0.0.1:3000/x", True),
        ("http://127.8.9.1", True),
        ("http://localhost:1", True),
        ("http://a.localhost", True),
        ("http://[::1]:3000", True),
        ("http://0.0.0.0:3000", True),
        ("http://10.0.0.1", False),
        ("http://example.com", False),
        ("http://localhost.example.com", False),
    ],
)
def test_what_is_this_machine(address: str, own: bool) -> None:
    assert is_loopback(address) is own


class Page(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b'{"version": 1}')

    def log_message(self, *_words: object) -> None: ...


def test_a_probe_of_this_machine_goes_through_no_proxy(monkeypatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    with HTTPServer(("127.0.0.1", 0), Page) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        assert ask(f"http://127.0.0.1:{server.server_port}/readyz") == {"version": 1}
        assert ask(f"http://localhost:{server.server_port}/readyz") == {"version": 1}
        server.shutdown()


@pytest.mark.parametrize(
    ("given", "found"),
    [
        ({}, "localhost,127.0.0.1,::1,0.0.0.0"),
        ({"NO_PROXY": "a.example, ::1"}, "a.example,::1,localhost,127.0.0.1,0.0.0.0"),
        ({"no_proxy": "b", "NO_PROXY": "c"}, "b,localhost,127.0.0.1,::1,0.0.0.0"),
    ],
)
def test_libraries_are_told_and_keep_what_they_were_told(given, found) -> None:
    exempt_loopback(given)
    assert given["NO_PROXY"] == given["no_proxy"] == found


def test_no_proxy_at_all_stays_so() -> None:
    environment = {"NO_PROXY": "*"}
    exempt_loopback(environment)
    assert environment == {"NO_PROXY": "*"}


def test_the_command_tells_the_programs_that_it_starts() -> None:
    code = (
        "import os, sys; sys.argv = ['mizzen', '--help']\n"
        "import mizzen.cli\n"
        "try: mizzen.cli.main()\n"
        "except SystemExit: pass\n"
        "print('NO_PROXY', os.environ['NO_PROXY'])"
    )
    environment = {k: v for k, v in os.environ.items() if k.lower() != "no_proxy"}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    assert "NO_PROXY localhost,127.0.0.1" in done.stdout
