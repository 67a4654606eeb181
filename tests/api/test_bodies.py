"""A JSON body has the types that are described, or is refused: `"7"` is not 7."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator, Mapping
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from mizzen.api.app import create_app
from mizzen.api.reference import FILE
from mizzen.api.routes.models import Promoting, Registration
from mizzen.api.routes.monitoring import GuardDecision, Window
from mizzen.api.routes.triggers import AnsweredUntil, Wish
from mizzen.api.settings import ModelServices, Settings, Tokens
from mizzen.core.runs import StepState
from mizzen.state.database import open_address
from mizzen.state.records import (
    DemoStepRecord,
    Lease,
    ProjectRecord,
    ServedVersion,
    StepRecord,
    WindowRecord,
    lease_name,
    new_key,
    to_jsonable,
)
from mizzen.state.sql_state import SqlState
from mizzen_tests import soak
from mizzen_tests.api_server import TOKEN
from mizzen_tests.driving import HOLDER
from mizzen_tests.shop_records import NOW, RUN, fill, run

DIGEST = "d" * 64
STEP = StepRecord("train", StepState.SUCCEEDED, NOW, 1, 2.5, {}, {"model": "/m"}, {})
WINDOW = WindowRecord("drift:1", "shop", NOW, NOW, 1, "drift", False, {"rows": 5}, "/r", NOW)
PROMOTION = Promoting(1, "better", False, 1)
LEASE = Lease(lease_name(RUN), HOLDER, 1)
DECISION = GuardDecision("t", "drift", False, "cooldown", "why", NOW, NOW, RUN, "drift:1")
WATCHED = Window(NOW, NOW, 1, "drift", False, {"rows": 5}, "/r", NOW)
RUN_WHOLE = run("r-2", champion=1, version=2, error={}, ended_at=NOW)
BODIES: dict[tuple[str, str], Any] = {
    ("PUT", "shop"): ProjectRecord("shop", "/shop", NOW),
    ("PUT", "shop/runs/r-2"): {"run": RUN_WHOLE, "project_folder": "/shop"},
    ("PATCH", f"shop/runs/{RUN}"): {
        "lease": LEASE,
        "values": {"state": "running", "version": 1, "attempts": 2, "error": {"message": "m"}},
    },
    ("PUT", f"shop/runs/{RUN}/steps/train"): {"event": STEP, "position": 3, "lease": LEASE},
    ("POST", f"shop/runs/{RUN}/promotion"): {"lease": LEASE},
    ("PUT", "/leases/controller:shop"): {"holder": HOLDER, "seconds": 5.5, "over": 1},
    ("PATCH", f"/leases/run:{RUN}"): {"lease": LEASE, "seconds": 5.5},
    ("POST", f"/leases/run:{RUN}/release"): {"lease": LEASE},
    ("PUT", "shop/versions/3"): Registration(RUN),
    ("POST", "shop/promotions"): PROMOTION,
    ("PUT", "shop/windows/drift:1"): WATCHED,
    ("POST", "shop/decisions"): DECISION,
    ("POST", "shop/retraining-requests"): Wish("merge", "a commit"),
    ("PUT", "shop/schedule"): AnsweredUntil("0 3 * * 1", "Europe/Berlin", NOW),
    ("PUT", "shop/served"): ServedVersion("shop", 1, "127.0.0.1:1", 7, NOW),
    ("PUT", "shop/stories/s/1"): DemoStepRecord("shop", "s", 1, DIGEST, {}, NOW),
}
Place = tuple[str, ...]


def leaves(value: Any, at: Place = ()) -> Iterator[tuple[Place, Any]]:
    """Each value of a body that is no document of the client's own."""
    if isinstance(value, dict) and value:
        for name, item in value.items():
            yield from leaves(item, (*at, name))
    else:
        yield at, value


def replaced(body: Any, at: Place, value: Any) -> Any:
    if not at:
        return value
    return {**body, at[0]: replaced(body[at[0]], at[1:], value)}


DOCUMENTS = {key: to_jsonable(body) for key, body in BODIES.items()}
FREE = {"arguments", "error", "figures", "result"}  # documents of the client's own
PLACES = [
    (key, at, value)
    for key, body in DOCUMENTS.items()
    for at, value in leaves(body)
    if not FREE & set(at)
]
LOOKALIKES = ["7", "7.0", "true", "false", "null", 7, 7.0, 1, 0, 0.5, True, False, [7], {"a": 7}]
LOOKALIKES += [1767323045, 1767323045.0, "1767323045", "1767323045.5", "2026-01-02T03:04:05"]


class Client:
    """Asks the application in this process."""

    def __init__(self, state: SqlState) -> None:
        models = ModelServices("http://127.0.0.1:9/{model}", "")
        self._transport = httpx.ASGITransport(create_app(state, Settings(Tokens(TOKEN), models)))

    def send(self, key: tuple[str, str], body: Any) -> tuple[int, Mapping[str, Any]]:
        """Status and document of the answer."""
        return asyncio.run(self._send(key, body))

    async def _send(self, key: tuple[str, str], body: Any) -> tuple[int, Mapping[str, Any]]:
        method, path = key
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        headers = {
            "Authorization": f"Bearer {TOKEN}",
            "Content-Type": "application/json",
            "Idempotency-Key": new_key(),
        }
        async with httpx.AsyncClient(transport=self._transport, base_url="http://api") as client:
            place = path if path.startswith("/") else f"/projects/{path}"
            told = await client.request(method, f"/api/v1{place}", content=content, headers=headers)
        return told.status_code, told.json() if told.content else {}


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Client:
    state = SqlState(open_address(f"sqlite:///{tmp_path_factory.mktemp('state')}/state.db"))
    fill(state)
    state.monitoring.add_window(WINDOW)
    return Client(state)


def is_of_type(value: Any, right: Any) -> bool:
    """Whether a value has the JSON type of a right one; whole numbers are numbers too."""
    if isinstance(right, float):
        return type(value) in {int, float}
    if isinstance(right, str) and right[:10] == f"{NOW:%F}":
        return False  # of the texts below, none is an instant with a zone
    return type(value) is type(right)


@pytest.mark.parametrize("key", BODIES, ids=" ".join)
def test_a_body_of_the_described_types_is_taken(client: Client, key: tuple[str, str]) -> None:
    status, told = client.send(key, DOCUMENTS[key])
    assert status in {200, 202, 204, 409}, told


@pytest.mark.soak
@settings(
    max_examples=soak.examples(150, 20_000),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    place=st.sampled_from(PLACES),
    value=st.one_of(st.sampled_from(LOOKALIKES), st.integers(), st.floats(), st.booleans()),
)
def test_a_value_of_another_type_is_refused_with_its_field(
    client: Client, place: tuple[tuple[str, str], Place, Any], value: Any
) -> None:
    key, at, right = place
    assume(not is_of_type(value, right))
    status, told = client.send(key, replaced(DOCUMENTS[key], at, value))
    assert status == 422, (key, at, value, told)
    assert ".".join(at) in f"{told['detail']} {told['given']}", told
    assert told["allowed"]


@pytest.mark.parametrize("key", BODIES, ids=" ".join)
def test_a_name_that_is_unknown_or_given_twice_is_refused(
    client: Client, key: tuple[str, str]
) -> None:
    body = DOCUMENTS[key]
    status, told = client.send(key, {**body, "forcd": True})
    assert (status, "forcd" in told["given"]) == (422, True)
    inner = next((name for name, value in body.items() if isinstance(value, dict) and value), None)
    if inner is not None and inner not in FREE:
        status, told = client.send(key, {**body, inner: {**body[inner], "forcd": True}})
        assert (status, told["given"]) == (422, f"'{inner}.forcd'")
        assert {"project", "state", "holder"} & set(told["allowed"].split(", "))
    text = json.dumps(body)
    first = json.dumps(next(iter(body)))
    twice = f"{{{first}: 1, {text[1:]}".encode()
    status, told = client.send(key, twice)
    assert (status, told["given"]) == (422, first.replace('"', "'"))


def test_a_wrong_type_is_shown_as_it_was_sent(client: Client) -> None:
    key = ("PATCH", f"shop/runs/{RUN}")
    lease = to_jsonable(LEASE)
    status, told = client.send(key, {"lease": lease, "values": {"version": "7"}})
    assert (status, told["given"]) == (422, 'values.version: "7"')
    assert told["allowed"] == "Input should be a valid integer"
    assert client.send(key, {"lease": lease, "values": {"version": 7.0}})[0] == 422
    nested = b'{"error": ' + b'{"a": ' * 300 + b"1" + b"}" * 301
    status, told = client.send(key, nested)
    assert (status, "200 levels" in told["allowed"]) == (400, True)


def test_every_body_of_json_is_among_these() -> None:
    described = json.loads(FILE.read_text())["paths"]
    taken = [
        (method.upper(), path)
        for path, methods in described.items()
        for method, operation in methods.items()
        if "application/json" in operation.get("requestBody", {}).get("content", {})
        and not path.endswith(("/predict", "/labels"))  # the model's own service reads those
    ]
    assert len(taken) == len(BODIES)
