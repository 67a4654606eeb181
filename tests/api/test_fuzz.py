"""Requests that follow the control API's description, nearly follow it, or do not at all.

Whatever comes is answered with a status that the description names and a body that it describes.
No answer is an error of the server.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mizzen.api.app import create_app
from mizzen.api.reference import FILE
from mizzen.api.routes.predictions import services
from mizzen.api.settings import ModelServices, Settings, Tokens
from mizzen.state.database import open_address
from mizzen.state.sql_state import SqlState
from mizzen_tests import soak
from mizzen_tests.api_server import TOKEN
from mizzen_tests.from_openapi import Description, Request, raw
from mizzen_tests.postgres_server import Postgres
from mizzen_tests.shop_records import RUN, fill

KNOWN = {
    "project": ["shop"],
    "run": [RUN],
    "number": ["1", "3"],
    "digest": ["0" * 64],
    "key": ["abc"],
}
DESCRIPTION = Description(json.loads(FILE.read_text()), KNOWN)
# In these tests the service of models is away, and the API is about to go.
UNAVAILABLE = ("/predict", "/labels", "/readyz")


class Api:
    """The application in this process."""

    def __init__(self, address: str) -> None:
        state = SqlState(open_address(address))
        fill(state)
        settings = Settings(Tokens(TOKEN), ModelServices("http://127.0.0.1:9/{model}", ""))
        self._app = create_app(state, settings)
        self._app.state.stopping.set()  # a stream ends at once
        self._app.state.services = services(settings)
        self._loop = asyncio.new_event_loop()

    def close(self) -> None:
        self._loop.run_until_complete(self._app.state.services.aclose())
        self._loop.close()

    def ask(self, asked: Request) -> tuple[int, str, bytes]:
        """Status, type and content of the answer."""
        return self._loop.run_until_complete(self._ask(asked))

    async def _ask(self, asked: Request) -> tuple[int, str, bytes]:
        sent: list[Any] = []
        left = [{"type": "http.request", "body": asked.body, "more_body": False}]

        async def receive() -> Any:
            return left.pop() if left else await asyncio.Future()

        async def send(message: Any) -> None:
            sent.append(message)

        await self._app(_scope(asked), receive, send)
        headers = {name.lower(): value for name, value in sent[0]["headers"]}
        content = b"".join(part.get("body", b"") for part in sent[1:])
        return sent[0]["status"], headers.get(b"content-type", b"").decode(), content


def _scope(asked: Request) -> dict[str, Any]:
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": asked.method,
        "scheme": "http",
        "path": asked.path,
        "raw_path": raw(asked.path),
        "root_path": "",
        "query_string": asked.query,
        "headers": list(asked.headers),
        "client": ("127.0.0.1", 9),
        "server": ("127.0.0.1", 80),
    }


@pytest.fixture(scope="module")
def on_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    found = Api(f"sqlite:///{tmp_path_factory.mktemp('state')}/state.db")
    yield found
    found.close()


@pytest.fixture(scope="module")
def on_postgres(postgres: Postgres, migrated: str) -> Iterator[Api]:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in postgres.new_database(migrated).items():
            patch.setenv(name, value)
        found = Api("postgresql+psycopg://")
        yield found
        found.close()


def check(api: Api, asked: Request) -> None:
    status, kind, content = api.ask(asked)
    if status == 503:
        assert asked.path.endswith(UNAVAILABLE), (asked, content)
    if asked.method != asked.operation.method or asked.path.count("/") != _depth(asked):
        assert status < 500, (asked, status, content)  # it is another operation, or none
        return
    DESCRIPTION.check(asked, status, kind, content)


def _depth(asked: Request) -> int:
    return asked.operation.path.count("/")


def fuzzed(usual: int, long: int) -> Any:
    return settings(
        max_examples=soak.examples(usual, long),
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )


@pytest.mark.soak
@fuzzed(200, 10_000)
@given(data=st.data())
def test_any_request_is_answered_as_described(on_sqlite: Api, data: st.DataObject) -> None:
    check(on_sqlite, data.draw(DESCRIPTION.requests))


@pytest.mark.soak
@fuzzed(200, 10_000)
@given(data=st.data())
def test_any_request_is_answered_as_described_over_a_server_of_databases(
    on_postgres: Api, data: st.DataObject
) -> None:
    check(on_postgres, data.draw(DESCRIPTION.requests))
