from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from mizzen.state.database import open_address
from mizzen.state.interface import State
from mizzen.state.sql_state import SqlState
from mizzen_tests.api_server import TOKEN, ApiServer
from mizzen_tests.asgi_client import AsgiClient
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


@pytest.fixture
def kept(tmp_path: Path) -> SqlState:
    """A state in a file, with a run and two versions."""
    state = SqlState(open_address(f"sqlite:///{tmp_path}/state.db"))
    fill(state)
    return state


@pytest.fixture
def send(kept: SqlState, tmp_path: Path) -> AsgiClient:
    """Asks the application in this process, over that state."""
    return AsgiClient(kept, tmp_path / "tokens")
