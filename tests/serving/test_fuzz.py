"""Requests by the hundred thousand that follow the description, nearly follow it, or do not at all.

Whatever comes is answered with a status that /openapi.json names and a body that it describes;
what is answered with 200 was a request as it describes one. No answer is an error of the server.
"""

from __future__ import annotations

import asyncio
import gzip
import json
import random
import zlib
from typing import Any

import jsonschema
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mizzen_serving.app import ServingApp
from mizzen_serving.options import ServeOptions
from mizzen_tests import soak
from mizzen_tests.hostile import broken, odd_texts, values

ROW = {"flight": 7, "at": "2013-07-01T12:00:00Z", "distance": 5, "wind": 2.5, "carrier": "UA"}
LABEL = {"prediction_id": "a", "value": 1, "at": "2013-07-01T12:00:00Z"}
REFUSALS = {400, 413, 415, 422}
EXAMPLES = settings(
    max_examples=soak.examples(500, 50_000),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)

names = st.one_of(
    st.sampled_from([*ROW, *LABEL, "rows", "labels", "prediction_id", "dry_run", "where"]),
    odd_texts,
)


@st.composite
def near(draw: Any, whole: dict[str, Any]) -> Any:
    """An object of the described kind with some fields changed, added, or gone."""
    row = dict(whole)
    for _ in range(draw(st.integers(0, 2))):
        match draw(st.integers(0, 2)):
            case 0:
                row[draw(names)] = draw(values)
            case 1:
                row.pop(draw(st.sampled_from([*whole])), None)
            case _:
                row[draw(st.sampled_from([*whole]))] = draw(values)
    return row


@st.composite
def bodies(draw: Any, whole: dict[str, Any], many: str) -> bytes:
    """Bodies as clients write them, some of them broken afterwards."""
    items = st.lists(near(whole), max_size=4)
    document = draw(
        st.one_of(
            near(whole),
            items,
            items.map(lambda rows: {many: rows}),
            st.tuples(items, values).map(lambda pair: {"x": pair[1], many: pair[0]}),
            values,
        )
    )
    text = json.dumps(document, ensure_ascii=draw(st.booleans()))
    body = text.encode("utf-8", "surrogatepass")
    if draw(st.booleans()):
        return body
    return broken(body, random.Random(draw(st.integers())))


packings = st.sampled_from(
    [
        ([], lambda body: body),
        ([(b"content-encoding", b"gzip")], gzip.compress),
        ([(b"content-encoding", b"deflate")], zlib.compress),
        ([(b"content-encoding", b"gzip")], lambda body: gzip.compress(body)[:-3]),
        ([(b"content-encoding", b"br")], lambda body: body),
        ([(b"content-type", b"application/xml")], lambda body: body),
        ([(b"content-type", b"\xff")], lambda body: body),
    ]
)


@pytest.fixture(scope="module")
def app(package_of, place_in, tmp_path_factory):
    app = ServingApp()
    place = place_in(tmp_path_factory.mktemp("fuzz"))
    app.start(ServeOptions(package_of("binary"), 3), place)
    yield app
    app.stop()


def ask(app: ServingApp, path: str, body: bytes, headers: list[Any]) -> tuple[int, Any]:
    """Status and document of the answer."""
    sent: list[Any] = []

    async def run() -> None:
        async def receive() -> Any:
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: Any) -> None:
            sent.append(message)

        scope = {"type": "http", "method": "POST", "path": path, "headers": headers, "client": None}
        await app(scope, receive, send)

    asyncio.run(run())
    return sent[0]["status"], json.loads(sent[1]["body"])


def schema_of(app: ServingApp, path: str, part: str) -> jsonschema.Draft202012Validator:
    document = app.description
    assert document is not None
    found = document["paths"][path]["post"]
    body = found["requestBody"] if part == "request" else found["responses"]["200"]
    schema = body["content"]["application/json"]["schema"]
    return jsonschema.Draft202012Validator({**schema, "components": document["components"]})


def unpacked(body: bytes, headers: list[Any]) -> bytes:
    encoding = dict(headers).get(b"content-encoding")
    unpack = {b"gzip": gzip.decompress, b"deflate": zlib.decompress}
    return unpack[encoding](body) if encoding else body


def check(app: ServingApp, path: str, body: bytes, headers: list[Any]) -> None:
    status, told = ask(app, path, body, headers)
    assert status in {200, *REFUSALS}, (status, told)
    if status in REFUSALS:
        assert told["error"] == "InvalidData"
        assert told["message"]
        assert told["retryable"] is False
        return
    schema_of(app, path, "answer").validate(told)
    schema_of(app, path, "request").validate(json.loads(unpacked(body, headers)))


@pytest.mark.soak
@EXAMPLES
@given(body=bodies(ROW, "rows"), packing=packings)
def test_any_body_to_predict_is_answered_as_described(app, body, packing) -> None:
    headers, pack = packing
    check(app, "/predict", pack(body), headers)


@pytest.mark.soak
@settings(EXAMPLES, max_examples=soak.examples(300, 30_000))
@given(body=bodies(LABEL, "labels"), packing=packings)
def test_any_body_to_labels_is_answered_as_described(app, body, packing) -> None:
    headers, pack = packing
    check(app, "/labels", pack(body), headers)


@pytest.mark.soak
@settings(EXAMPLES, max_examples=soak.examples(50, 5_000))
@given(bad=st.lists(bodies(ROW, "rows"), min_size=1, max_size=5), good=st.integers(1, 9))
def test_good_requests_beside_any_others_are_answered(app, bad, good) -> None:
    """All of them arrive together."""
    sent: list[int] = []

    async def one(body: bytes) -> int:
        statuses: list[int] = []

        async def receive() -> Any:
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: Any) -> None:
            statuses.append(message.get("status", 0))

        scope = {"type": "http", "method": "POST", "path": "/predict", "headers": []}
        await app(scope, receive, send)
        return statuses[0]

    async def run() -> None:
        wanted = [json.dumps(ROW).encode()] * good
        sent.extend(await asyncio.gather(*map(one, [*wanted, *bad, *wanted])))

    asyncio.run(run())
    assert sent[:good] == sent[-good:] == [200] * good
    assert all(status in {200, *REFUSALS} for status in sent)
