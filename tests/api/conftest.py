from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from mizzen.state.interface import State
from mizzen_tests.api_server import TOKEN, ApiServer
from mizzen_tests.shop_records import Ask, Told, fill


@pytest.fixture
def ask(api: ApiServer) -> Ask:
    """Asks the API without our client."""

    def ask(method: str, path: str, token: str | None = TOKEN, **options: Any) -> Told:
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        headers |= options.pop("headers", {})
        found = httpx.request(
            method, f"{api.address}/api/v1{path}", headers=headers, timeout=30, **options
        )
        text = found.text
        body = json.loads(text) if text.startswith(("{", "[", '"')) else text
        return Told(found.status_code, found.headers, body)

    return ask


@pytest.fixture
def shop(api: ApiServer) -> State:
    """A client of a state with a run and two versions."""
    state = api.state()
    fill(state)
    return state
