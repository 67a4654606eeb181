"""Who may send which command, and what the state keeps as its author."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from mizzen.api.app import create_app
from mizzen.api.reference import description
from mizzen.api.roles import COMMANDS, Principal, Role
from mizzen.api.settings import ModelServices, Settings, Tokens
from mizzen.errors import UserError
from mizzen.state.database import open_address
from mizzen.state.sql_state import SqlState
from mizzen_tests.shop_records import RUN, fill

UNNAMED = "an-unnamed-token-of-the-tests"
CALLERS = {role: f"{role.value}-0123456789abcdef" for role in Role}
NAMES = dict.fromkeys(("step", "window", "story"), "a") | {
    "project": "shop",
    "run": RUN,
    "digest": "0" * 64,
    "number": "1",
    "name": "controller:shop",
    "position": "1",
    "key": "abc",
}
Send = Callable[..., httpx.Response]


@pytest.fixture
def state(tmp_path: Path) -> SqlState:
    state = SqlState(open_address(f"sqlite:///{tmp_path}/state.db"))
    fill(state)
    return state


@pytest.fixture
def send(state: SqlState, tmp_path: Path) -> Send:
    """Sends a request to the application in this process, with the token of a role."""
    file = tmp_path / "tokens"
    lines = [f"a-{role.value} {token} {role.value}" for role, token in CALLERS.items()]
    file.write_text("\n".join(lines))
    settings = Settings(Tokens(UNNAMED, file), ModelServices("http://127.0.0.1:9/{model}", ""))
    transport = httpx.ASGITransport(create_app(state, settings))

    async def ask(token: str, method: str, path: str, options: dict[str, Any]) -> httpx.Response:
        headers = {"Authorization": f"Bearer {token}"} | options.pop("headers", {})
        async with httpx.AsyncClient(transport=transport, base_url="http://api/api/v1") as client:
            return await client.request(method, path, headers=headers, **options)

    def send(role: Role | None, method: str, path: str, **options: Any) -> httpx.Response:
        return asyncio.run(ask(CALLERS[role] if role else UNNAMED, method, path, options))

    return send


def commands() -> list[tuple[str, str, str]]:
    """Name, method and path of everything that is no read."""
    return [
        (operation["operationId"].partition("_api_v1")[0], method.upper(), path)
        for path, methods in description()["paths"].items()
        for method, operation in methods.items()
        if method != "get"
    ]


def test_every_command_has_its_row_in_the_table() -> None:
    assert sorted({name for name, _, _ in commands()}) == sorted(COMMANDS)


@pytest.mark.parametrize("role", list(Role))
def test_a_role_sends_its_commands_and_no_others(send: Send, role: Role) -> None:
    for name, method, path in commands():
        answer = send(role, method, path.removeprefix("/api/v1").format(**NAMES), content=b"")
        assert (answer.status_code == 403) == (role not in COMMANDS[name]), (name, answer.text)
        if answer.status_code == 403:
            told = answer.json()
            assert f"roles: {role.value}" == told["given"]
            assert told["allowed"] == ", ".join(sorted(COMMANDS[name]))


@pytest.mark.parametrize("role", [*Role, None])
def test_every_token_that_counts_reads(send: Send, role: Role | None) -> None:
    assert send(role, "GET", "/projects/shop/versions").status_code == 200


def test_a_command_that_no_row_names_is_for_those_with_every_role() -> None:
    assert Principal("all", frozenset(Role)).may("a new command")
    for role in Role:
        assert not Principal("one", frozenset({role})).may("a new command")


def test_a_token_without_a_name_has_every_role_under_the_name_of_its_variable() -> None:
    assert Tokens("a, b").find("b") == Principal("MIZZEN_API_TOKEN", frozenset(Role))
    assert Tokens("a, b").find("") is None


def test_a_named_token_says_its_roles(tmp_path: Path) -> None:
    file = tmp_path / "tokens"
    token = CALLERS[Role.READER]
    for line in (f"alice {token}", f"alice {token} admin", f"alice {token} reader,"):
        file.write_text(line)
        with pytest.raises(UserError, match="the rights of alice") as told:
            Tokens("", file)
        assert "operator, reader, scientist, service" in str(told.value)
        assert token not in str(told.value)
    file.write_text(f"alice {token} reader,operator")
    assert Tokens("", file).find(token) == Principal(
        "alice", frozenset({Role.READER, Role.OPERATOR})
    )


def test_the_log_names_who_sent_a_request(send: Send, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "mizzen.api.auth")
    send(Role.SCIENTIST, "GET", "/projects")
    send(None, "GET", "/projects")
    written = [json.loads(record.message)["by"] for record in caplog.records]
    assert written == ["a-scientist", "MIZZEN_API_TOKEN"]
    assert not any(token in caplog.text for token in [*CALLERS.values(), UNNAMED])
