"""What one client can do to a service without saying anything sensible: nothing to the others."""

from __future__ import annotations

import contextlib
import json
import socket
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mizzen.adapters.uvicorn.addresses import Proxies, owner_of
from mizzen.adapters.uvicorn.connections import Connections
from mizzen.adapters.uvicorn.limits import Limits
from mizzen.errors import UserError

ROW = {"flight": 7, "at": "2013-07-01T12:00:00Z", "distance": 5, "wind": 2.5, "carrier": "UA"}
BODY = json.dumps(ROW).encode()
HEAD = (
    b"POST /predict HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ncontent-length: "
    + str(len(BODY)).encode()
)
CHUNKED = b"POST /predict HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n"
SHORT = {
    "first_byte_seconds": 1,
    "headers_seconds": 1,
    "body_seconds": 1,
    "idle_seconds": 2,
    "send_seconds": 1,
    "connections": 40,
    "connections_per_address": 30,
    "pipelined": 20,
}


@pytest.fixture(scope="module")
def impatient(module_launch):
    """One service with short limits for all attacks, one after another."""
    service = module_launch(limits=SHORT)
    service.wait_ready()
    return service


class Attacker:
    """A raw connection from an address of its own."""

    def __init__(self, service, address: str = "127.0.0.66") -> None:
        self.socket = socket.create_connection(
            ("127.0.0.1", service.port), timeout=20, source_address=(address, 0)
        )

    def send(self, data: bytes) -> bool:
        """Whether the service still took it."""
        try:
            self.socket.sendall(data)
        except OSError:
            return False
        return True

    def read_all(self) -> bytes:
        """Everything until the service closes the connection."""
        parts = []
        with contextlib.suppress(ConnectionError):
            while part := self.socket.recv(65_536):
                parts.append(part)
        return b"".join(parts)


def drip(attacker: Attacker, data: bytes) -> bytes:
    """Send something again and again until the service ends it; what it said."""
    attacker.socket.settimeout(0.2)
    parts = []
    for _ in range(100):
        if not attacker.send(data):
            break
        try:
            part = attacker.socket.recv(65_536)
        except TimeoutError:
            continue
        except ConnectionError:
            break
        if not part:
            break
        parts.append(part)
    else:
        raise AssertionError("the service still listens")
    return b"".join(parts)


def status_of(told: bytes) -> int:
    return int(told.split(b" ", 2)[1]) if told else 0


def memory(service) -> int:
    """Resident kilobytes of the process."""
    lines = Path(f"/proc/{service.process.pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS"))


def test_a_header_without_end_is_refused_and_keeps_no_memory(impatient) -> None:
    attacker, before = Attacker(impatient), memory(impatient)
    attacker.send(b"GET /healthz HTTP/1.1\r\nx: ")
    for _ in range(400):
        if not attacker.send(b"a" * 65_536):
            break
    assert status_of(attacker.read_all()) in (431, 0)
    assert memory(impatient) - before < 16_000
    assert impatient.ask("POST", "/predict", ROW)[0] == 200


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"GET /" + b"a" * 40_000 + b" HTTP/1.1\r\nhost: a\r\n\r\n", 431),
        (b"GET /healthz HTTP/1.1\r\n" + b"a: b\r\n" * 101 + b"\r\n", 431),
        (b"GET /healthz HTTP/1.1\r\n" + b"a: b\r\n" * 99 + b"\r\n", 200),
        (b"GET /healthz HTTP/1.1\r\na: " + b"b" * 30_000 + b"\r\n\r\n", 200),
        (b"\r\n" * 30_000, 431),
        (b"\x16\x03\x01\x02\x00\x01\x00", 400),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400),
        (b"CONNECT example.com:443 HTTP/1.1\r\nhost: a\r\n\r\n", 400),
        (b"POST /predict HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\n"
         b"transfer-encoding: chunked\r\n\r\n0\r\n\r\n", 400),
        (CHUNKED + b"1\r\n{\r\n0\r\nx: " + b"y" * 200_000, 431),
        (CHUNKED + b"1;" + b"y" * 200_000, 431),
    ],
    ids=lambda part: part[:40].decode("latin-1") if isinstance(part, bytes) else None,
)  # fmt: skip
def test_a_request_has_so_many_bytes_and_headers_and_no_more(impatient, sent, status) -> None:
    attacker = Attacker(impatient)
    attacker.send(sent)
    told = attacker.read_all()
    assert status_of(told) == status, told
    if status == 431:
        assert json.loads(told.partition(b"\r\n\r\n")[2])["allowed"] == "32768 bytes, 100 headers"


@pytest.mark.parametrize(
    ("begin", "drop", "status"),
    [
        (b"", b"", 0),
        (b"", b"\r\n", 0),
        (b"GET /healthz HTTP/1.1\r\n", b"a: b\r\n", 408),
        (b"G", b"", 408),
        (HEAD + b"\r\n\r\n", b" ", 408),
        (HEAD + b"\r\n\r\n{", b"", 408),
        (b"GET /healthz HTTP/1.1\r\nhost: a\r\n\r\n", b"\r\n", 200),
    ],
    ids=[
        "silent",
        "blank lines",
        "slow headers",
        "half a word",
        "slow body",
        "half a body",
        "idle",
    ],
)
def test_what_does_not_come_is_not_waited_for(impatient, begin, drop, status) -> None:
    attacker = Attacker(impatient)
    attacker.send(begin)
    told = drip(attacker, drop) if drop else attacker.read_all()
    assert status_of(told) == status
    assert impatient.ask("POST", "/predict", ROW)[0] == 200


def test_a_slow_client_that_sends_steadily_is_waited_for(module_launch) -> None:
    service = module_launch(limits={**SHORT, "body_rate": 1000})
    service.wait_ready()
    body = b"[" + b",".join([BODY] * 60) + b"]"
    slow = Attacker(service)
    slow.send(HEAD[: HEAD.rindex(b" ")] + b" " + str(len(body)).encode() + b"\r\n\r\n")
    for at in range(0, len(body), 1000):
        assert slow.send(body[at : at + 1000])
        time.sleep(0.3)
    assert slow.socket.recv(20).startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize(
    "upgrade",
    [
        b"connection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\n"
        b"sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n",
        b"connection: upgrade, http2-settings\r\nupgrade: h2c\r\nhttp2-settings: AAMAAABk\r\n",
        b"connection: upgrade\r\nupgrade: anything\r\n",
    ],
    ids=["websocket", "h2c", "other"],
)
def test_an_upgrade_is_answered_as_plain_http_and_closed(impatient, upgrade) -> None:
    for head, body in ((b"GET /healthz HTTP/1.1\r\nhost: a", b""), (HEAD, BODY)):
        attacker = Attacker(impatient)
        attacker.send(head + b"\r\n" + upgrade + b"\r\n" + body + b"\x81\x05hello")
        told = attacker.read_all()
        assert status_of(told) == 200
        assert b"connection: close" in told


def test_half_open_requests_lock_nobody_out(impatient) -> None:
    attackers = []
    for number in range(200):
        with contextlib.suppress(OSError):
            attackers.append(Attacker(impatient, f"127.0.0.{100 + number % 3}"))
            attackers[-1].send(HEAD)
    for _ in range(5):
        assert impatient.ask("POST", "/predict", ROW)[0] == 200
    page = impatient.ask("GET", "/metrics")[1].decode()
    assert 'mizzen_serving_refused_connections_total{reason="room"}' in page


def test_one_address_has_so_many_connections(impatient) -> None:
    attackers = [Attacker(impatient, "127.0.0.77") for _ in range(31)]
    assert status_of(attackers[-1].read_all()) == 503
    assert impatient.ask("GET", "/healthz")[0] == 200


def test_a_flood_of_pipelined_requests_is_ended(impatient) -> None:
    attacker, before = Attacker(impatient), memory(impatient)
    flood = b"GET /metrics HTTP/1.1\r\nhost: a\r\n\r\n" * 2000
    for _ in range(50):
        if not attacker.send(flood):
            break
    else:
        raise AssertionError("all of it was taken")
    assert memory(impatient) - before < 16_000
    assert impatient.ask("POST", "/predict", ROW)[0] == 200


def test_some_pipelined_requests_are_answered_in_order(impatient) -> None:
    client = Attacker(impatient)
    client.send((b"GET /healthz HTTP/1.1\r\nhost: a\r\n\r\n" + HEAD + b"\r\n\r\n" + BODY) * 9)
    client.socket.settimeout(1)
    told = b""
    with contextlib.suppress(TimeoutError):
        while part := client.socket.recv(65_536):
            told += part
    assert told.count(b"HTTP/1.1 200 OK") == 18
    words = [b"alive" in part for part in told.split(b"HTTP/1.1 200 OK")[1:]]
    assert words == [True, False] * 9


def test_more_pipelined_requests_than_may_wait_end_the_connection_after_those_that_do(
    impatient,
) -> None:
    client = Attacker(impatient)
    client.send(b"GET /healthz HTTP/1.1\r\nhost: a\r\n\r\n" * 60)
    told = client.read_all()  # it ends: the service closes the connection
    assert told.count(b"HTTP/1.1 200 OK") == told.count(b"HTTP/1.1") == SHORT["pipelined"] + 1
    assert told.count(b"connection: close") == 1


def test_trailers_are_counted_with_the_headers(impatient) -> None:
    attacker = Attacker(impatient)
    assert attacker.send(CHUNKED + b"2\r\n{}\r\n0\r\n")
    assert status_of(drip(attacker, b"a: b\r\n" * 50)) == 431


def test_an_answer_that_nobody_reads_is_dropped(impatient) -> None:
    alone = connections_of(impatient)
    attacker = Attacker(impatient)
    attacker.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    for _ in range(400):
        attacker.socket.settimeout(0.05)
        if not attacker.send(b"GET /openapi.json HTTP/1.1\r\nhost: a\r\n\r\n" * 10):
            break
    deadline = time.monotonic() + 120
    while connections_of(impatient) > alone and time.monotonic() < deadline:
        time.sleep(0.2)
    assert connections_of(impatient) == alone


def connections_of(service) -> int:
    page = service.ask("GET", "/metrics")[1].decode()
    return int(float(page.split("\nmizzen_serving_connections ")[1].split("\n")[0]))


def test_no_descriptor_is_left_behind_by_all_of_this(impatient) -> None:
    deadline = time.monotonic() + 20
    while connections_of(impatient) > 1 and time.monotonic() < deadline:
        time.sleep(0.2)
    assert connections_of(impatient) == 1
    assert len(list(Path(f"/proc/{impatient.process.pid}/fd").iterdir())) < 60


class Held:
    """A connection that waits, or is being answered."""

    def __init__(self, waiting: bool = True) -> None:
        self.waiting, self.dropped = waiting, False

    def check(self, now: float) -> None: ...

    def waits(self) -> bool:
        return self.waiting

    def drop(self) -> None:
        self.dropped = True


@pytest.fixture
def full(monkeypatch):
    """Makes connections without an event loop."""
    monkeypatch.setattr(Connections, "_sweep_later", lambda _self: None)
    return lambda **limits: Connections(Limits(**limits))


def test_a_full_server_takes_a_newcomer_for_the_greediest(full) -> None:
    connections = full(connections=10, connections_per_address=10)
    greedy = [Held(waiting=n != 0) for n in range(9)]
    assert all(connections.admit(one, "10.0.0.1") for one in greedy)
    assert connections.admit(Held(), "10.0.0.2")
    assert connections.admit(Held(), "10.0.0.3")
    assert [one.dropped for one in greedy[:3]] == [False, True, False]
    assert not connections.admit(Held(), "10.0.0.1")
    assert len(connections) == 10


def test_a_proxy_s_connections_are_not_counted_as_one_client_s(full) -> None:
    connections = full(connections_per_address=2, trusted_proxies=("10.0.0.0/8",))
    assert all(connections.admit(Held(), "10.1.2.3") for _ in range(50))
    assert [connections.admit(Held(), "11.0.0.1") for _ in range(3)] == [True, True, False]


@given(st.lists(st.tuples(st.integers(1, 6), st.booleans()), max_size=60))
def test_never_more_connections_than_allowed(events) -> None:
    limits = Limits(connections=12, connections_per_address=5)
    connections, mine = Connections(limits), []
    connections._sweep_later = lambda: None  # type: ignore[method-assign]
    for address, opens in events:
        if opens or not mine:
            one = Held()
            if connections.admit(one, f"10.0.0.{address}"):
                mine.append(one)
        else:
            connections.forget(mine.pop())
        mine = [one for one in mine if not one.dropped]
        assert len(connections) == len(mine) <= 12


@pytest.mark.parametrize(
    ("peer", "forwarded", "client"),
    [
        ("9.9.9.9", b"1.1.1.1", "9.9.9.9"),
        ("10.0.0.1", b"1.1.1.1, 2.2.2.2", "2.2.2.2"),
        ("10.0.0.1", b"1.1.1.1, 2.2.2.2, 10.0.0.7", "2.2.2.2"),
        ("10.0.0.1", b"nonsense", "10.0.0.1"),
        ("10.0.0.1", b"", "10.0.0.1"),
        ("10.0.0.1", b"10.0.0.2", "10.0.0.1"),
        ("::ffff:10.0.0.1", b"2001:db8::1", "2001:db8::1"),
    ],
)
def test_only_a_trusted_proxy_says_whom_it_asks_for(peer, forwarded, client) -> None:
    proxies = Proxies(("10.0.0.0/8",))
    assert proxies.client(peer, [(b"x-forwarded-for", forwarded)]) == client


def test_a_holder_of_many_ipv6_addresses_is_one_client() -> None:
    assert owner_of("2001:db8::1") == owner_of("2001:db8::ffff") != owner_of("2001:db8:0:1::1")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[]", "does not hold limits"),
        ("{", "does not hold limits"),
        ('{"conections": 5}', "conections"),
        ('{"connections": 0}', "above 0"),
        ('{"connections": 1.5}', "a whole number"),
        ('{"connections": true}', "a whole number"),
        ('{"idle_seconds": "5"}', "a number of seconds"),
        ('{"trusted_proxies": ["10.0.0.1/8"]}', "host bits"),
        ('{"trusted_proxies": "10.0.0.0/8"}', "a list"),
    ],
)
def test_limits_that_are_none_are_an_error(text, told) -> None:
    with pytest.raises(UserError) as error:
        Limits.from_environment({"MIZZEN_LIMITS": text})
    assert told in str(error.value)


def test_limits_come_from_the_environment() -> None:
    text = '{"connections": 7, "idle_seconds": 1.5, "trusted_proxies": ["10.0.0.0/8", "::1"]}'
    found = Limits.from_environment({"MIZZEN_LIMITS": text})
    assert (found.connections, found.idle_seconds) == (7, 1.5)
    assert found.trusted_proxies == ("10.0.0.0/8", "::1")
    assert Limits.from_environment({}) == Limits()
