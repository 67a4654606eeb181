"""The door of a service: who may ask, how often, and what it costs when there is none."""

from __future__ import annotations

import hashlib
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mizzen.adapters.files.tokens import NamedTokens, read_tokens
from mizzen.adapters.uvicorn.addresses import Proxies
from mizzen.errors import TemporaryError, UserError
from mizzen_serving.callers import CALLERS
from mizzen_serving.client import Client
from mizzen_serving.door import Door, RateLimit, TurnedAway
from mizzen_serving.options import ServeOptions

ROW = {"flight": 7, "at": "2013-07-01T12:00:00Z", "distance": 5, "wind": 2.5, "carrier": "UA"}
SHOP, REPORTER = "shop-0123456789abcdef", "reporter-0123456789abcdef"


@pytest.fixture
def callers(tmp_path):
    file = tmp_path / "callers.txt"
    digest = hashlib.sha256(SHOP.encode()).hexdigest()
    file.write_text(f"# who may ask\nshop sha256:{digest} predict\n\nreporter {REPORTER} labels\n")
    return file


def bearer(token: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token}"}


def test_without_a_token_that_counts_nothing_is_answered_but_health(start, callers) -> None:
    ask = start(tokens=callers)
    for path in ("/predict", "/labels"):
        for headers in ({}, bearer("wrong"), {"authorization": SHOP}, bearer("")):
            refused = ask("POST", path, json=ROW, headers=headers)
            assert (refused.status_code, refused.headers["www-authenticate"]) == (401, "Bearer")
            assert refused.json()["error"] == "UserError"
    for path in ("/openapi.json", "/docs", "/nothing"):
        assert ask("GET", path).status_code == 401
    for path in ("/healthz", "/readyz", "/metrics"):
        assert ask("GET", path).status_code == 200
    assert "shop" not in ask("GET", "/metrics").text


def test_a_token_lets_in_for_what_it_may(start, callers) -> None:
    ask = start(tokens=callers)
    assert ask("POST", "/predict", json=ROW, headers=bearer(SHOP)).status_code == 200
    refused = ask("POST", "/predict", json=ROW, headers=bearer(REPORTER))
    assert (refused.status_code, refused.json()["allowed"]) == (403, "predict")
    label = {"prediction_id": "a", "value": 1}
    assert ask("POST", "/labels", json=label, headers=bearer(REPORTER)).status_code == 200
    assert ask("GET", "/openapi.json", headers=bearer(REPORTER)).status_code == 200


def test_a_body_is_not_read_from_one_who_may_not_send_it(start, callers) -> None:
    async def never():
        raise AssertionError("the body was read")
        yield b""

    assert start(tokens=callers)("POST", "/predict", content=never()).status_code == 401


def test_callers_that_change_count_without_a_restart(callers) -> None:
    now = [0.0]
    tokens = NamedTokens(callers, CALLERS, lambda: now[0])
    assert tokens.find(SHOP).name == "shop"
    callers.write_text(f"shop2 {SHOP[::-1]}\n")
    now[0] += 2
    assert tokens.find(SHOP) is None
    assert tokens.find(SHOP[::-1]).name == "shop2"


def test_a_file_that_breaks_locks_nobody_out_and_lets_nobody_in(callers, caplog) -> None:
    now = [0.0]
    tokens = NamedTokens(callers, CALLERS, lambda: now[0])
    for content in ("", "shop\n"):
        callers.write_text(content)
        now[0] += 2
        assert tokens.find(SHOP).name == "shop"
    callers.unlink()
    now[0] += 2
    assert tokens.find(SHOP).name == "shop"
    assert tokens.find("") is None
    assert "the earlier callers still count" in caplog.text
    assert SHOP not in caplog.text


def test_a_mounted_secret_is_a_folder_of_callers(tmp_path) -> None:
    """As Kubernetes mounts it: files that are links into a folder which is replaced."""
    first, second = tmp_path / "..1", tmp_path / "..2"
    for folder, token in ((first, SHOP), (second, REPORTER)):
        folder.mkdir()
        (folder / "shop").write_text(f"{token} predict")
    (tmp_path / "..data").symlink_to("..1")
    (tmp_path / "shop").symlink_to("..data/shop")
    now = [0.0]
    tokens = NamedTokens(tmp_path, CALLERS, lambda: now[0])
    assert tokens.find(SHOP).rights == {"predict"}
    (tmp_path / "..new").symlink_to("..2")
    os.replace(tmp_path / "..new", tmp_path / "..data")  # noqa: PTH105 - over a link
    now[0] += 2
    assert tokens.find(SHOP) is None
    assert tokens.find(REPORTER).name == "shop"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "names no caller"),
        ("# nobody\n", "names no caller"),
        ("shop\n", "the token of shop"),
        ("shop short\n", "16 visible characters"),
        ("shop sha256:abc\n", "the token of shop"),
        (f"shop {SHOP} admin\n", "the rights of shop"),
        (f"shop {SHOP} predict labels\n", "the rights of shop"),
        (f"a b:{SHOP}\na {SHOP}\n", "named twice"),
        (f"a {SHOP}\nb {SHOP}\n", "the same token"),
        (f"../x {SHOP}\n", "no name of a caller"),
    ],
)
def test_callers_that_cannot_be_read_are_an_error_without_a_token(tmp_path, text, told) -> None:
    file = tmp_path / "callers"
    file.write_text(text)
    with pytest.raises(UserError) as error:
        read_tokens(file, CALLERS)
    assert told in str(error.value)
    assert SHOP not in str(error.value)


def test_no_file_is_an_error_before_the_model_is_loaded(launch, tmp_path) -> None:
    service = launch("--tokens", str(tmp_path / "none"))
    assert service.process.wait(timeout=180) == 3
    assert "the service's tokens cannot be used" in service.process.communicate()[1]


def test_more_than_the_rate_is_told_when_to_come_again(start) -> None:
    ask = start(rate=0.01, burst=3)
    statuses = [ask("POST", "/predict", json=ROW).status_code for _ in range(5)]
    assert statuses == [200, 200, 200, 429, 429]
    refused = ask("POST", "/predict", json=ROW)
    assert 90 <= int(refused.headers["retry-after"]) <= 100
    assert refused.json()["retryable"] is True
    assert ask("GET", "/readyz").status_code == 200


def test_each_caller_has_a_rate_of_its_own() -> None:
    door = Door(None, RateLimit(0.01, 1), Proxies(("10.0.0.0/8",)))
    door.check("/predict", [], "9.9.9.9")
    with pytest.raises(TurnedAway):
        door.check("/predict", [], "9.9.9.9")
    door.check("/predict", [], "9.9.9.8")
    for client in (b"1.1.1.1", b"2.2.2.2"):
        door.check("/predict", [(b"x-forwarded-for", client)], "10.0.0.1")
    with pytest.raises(TurnedAway):
        door.check("/predict", [(b"x-forwarded-for", b"6.6.6.6, 1.1.1.1")], "10.0.0.1")


@given(st.lists(st.floats(0, 3), min_size=1, max_size=80), st.floats(0.5, 5), st.integers(1, 9))
def test_never_more_than_rate_and_burst_allow(pauses, rate, burst) -> None:
    now, taken = [0.0], 0
    limit = RateLimit(rate, burst, lambda: now[0])
    for pause in pauses:
        now[0] += pause
        seconds = limit.wait("one")
        taken += not seconds
        assert taken <= burst + rate * now[0] + 1e-6
        assert 0 <= seconds <= 1 / rate + 1e-6


def test_memory_of_callers_is_bounded() -> None:
    limit = RateLimit(1, 1, lambda: 0.0)
    for number in range(30_000):
        limit.wait(str(number))
    assert len(limit._saved) == 10_000


def test_a_client_sends_its_token_and_says_what_is_wrong_with_it(launch, callers) -> None:
    service = launch("--tokens", str(callers), "--rate", "1000")
    service.wait_ready()
    address = f"http://127.0.0.1:{service.port}"
    with Client(address, token=SHOP) as client:
        assert client.predict([ROW])[0].model == "tiny"
    with Client(address) as client, pytest.raises(UserError, match="bearer token") as error:
        client.predict([ROW])
    assert not isinstance(error.value, TemporaryError)


def test_options_name_the_door() -> None:
    options = ServeOptions("package", 1).with_environment(
        {"MIZZEN_SERVING": '{"tokens": "/etc/callers", "rate": 5}'}
    )
    assert str(options.tokens) == "/etc/callers"
    words = options.words()
    assert (words["--tokens"], words["--rate"]) == (options.tokens, 5)
