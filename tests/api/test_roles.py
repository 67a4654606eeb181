"""Who may send which command, and what the state keeps as its author."""

from __future__ import annotations

import json
import logging
import re
from pathlib import Path

import pytest

from mizzen.api.reference import description
from mizzen.api.roles import COMMANDS, TOKENS, Principal, Role
from mizzen.api.settings import Tokens
from mizzen.errors import UserError
from mizzen.state.records import to_jsonable
from mizzen.state.sql_state import SqlState
from mizzen_tests.asgi_client import CALLERS, UNNAMED, AsgiClient
from mizzen_tests.driving import change_run, driving
from mizzen_tests.shop_records import RUN

NAMES = dict.fromkeys(("step", "window", "story"), "a") | {
    "project": "shop",
    "run": RUN,
    "digest": "0" * 64,
    "number": "1",
    "name": "controller:shop",
    "position": "1",
    "key": "abc",
}
PROMOTE = ("POST", "/projects/shop/promotions")


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
def test_a_role_sends_its_commands_and_no_others(send: AsgiClient, role: Role) -> None:
    for name, method, path in commands():
        answer = send(role, method, path.removeprefix("/api/v1").format(**NAMES), content=b"")
        assert (answer.status_code == 403) == (role not in COMMANDS[name]), (name, answer.text)
        if answer.status_code == 403:
            told = answer.json()
            assert f"roles: {role.value}" == told["given"]
            assert told["allowed"] == ", ".join(sorted(COMMANDS[name]))


@pytest.mark.parametrize("role", [*Role, None])
def test_every_token_that_counts_reads(send: AsgiClient, role: Role | None) -> None:
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


def test_the_log_names_who_sent_a_request(
    send: AsgiClient, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "mizzen.api.auth")
    send(Role.SCIENTIST, "GET", "/projects")
    send(None, "GET", "/projects")
    written = [json.loads(record.message)["by"] for record in caplog.records]
    assert written == ["a-scientist", "MIZZEN_API_TOKEN"]
    assert not any(token in caplog.text for token in [*CALLERS.values(), UNNAMED])


def test_the_author_of_what_is_decided_is_the_token_and_no_body_says_another(
    send: AsgiClient,
) -> None:
    forged = {"by": "gate", "at": "2013-01-01T00:00:00Z", "forced": False, "blessed": True}
    for name, value in forged.items():
        refused = send(Role.OPERATOR, *PROMOTE, json={"version": 1, name: value})
        assert refused.status_code == 422
        body = {"run": RUN, name: value}
        refused = send(Role.SCIENTIST, "PUT", "/projects/shop/versions/3", json=body)
        assert refused.status_code == 422
    made = send(Role.OPERATOR, *PROMOTE, json={"version": 1, "reason": "better"}).json()
    assert (made["by"], made["previous"], made["forced"]) == ("a-operator", None, False)
    lifted = send(Role.OPERATOR, "POST", "/projects/shop/decisions/unfreeze").json()
    assert lifted["reason"] == "a-operator lifted the freeze after a rollback"
    asked = {"trigger_id": "t", "cause": "person", "go": False, "rule": "unfreeze", "reason": "me"}
    asked |= {"not_before": None, "at": "2026-01-01T00:00:00Z"}
    refused = send(Role.SCIENTIST, "POST", "/projects/shop/decisions", json=asked)
    assert refused.status_code == 422


def test_the_gate_promotes_for_a_run_by_whoever_drives_it_alone(
    send: AsgiClient, kept: SqlState
) -> None:
    path = f"/projects/shop/runs/{RUN}/promotion"
    change_run(kept, RUN, version=2)
    stale = {"lease": to_jsonable(driving(kept, RUN))}
    drives = {"lease": to_jsonable(driving(kept, RUN, f"elsewhere/2/{'1' * 32}"))}
    assert send(Role.OPERATOR, "POST", path, json=stale).status_code == 409
    assert send(Role.SCIENTIST, "POST", path, json=drives).json()["by"] == "gate"
    send(Role.OPERATOR, *PROMOTE, json={"version": 1})
    again = send(Role.SCIENTIST, "POST", path, json=drives).json()
    assert again["version"] == 2  # as it was answered before
    assert send(Role.READER, "GET", "/projects/shop/champion").json()["version"] == 1


def test_a_command_under_one_key_is_done_once(send: AsgiClient) -> None:
    key = {"Idempotency-Key": "k-1"}
    first = send(None, *PROMOTE, json={"version": 1}, headers=key).json()
    send(None, *PROMOTE, json={"version": 2})
    assert send(None, *PROMOTE, json={"version": 1}, headers=key).json() == first
    other = send(None, *PROMOTE, json={"version": 2}, headers=key)
    assert (other.status_code, other.json()["type"]) == (409, "/api/v1/problems/Conflict")
    reset = ("POST", "/projects/shop/decisions/reset")
    assert send(None, *reset, headers=key).json() == send(None, *reset, headers=key).json()
    for wrong in ("", "a b", "x" * 41, "gate/1"):
        refused = send(None, *PROMOTE, json={"version": 1}, headers={"Idempotency-Key": wrong})
        assert refused.status_code == 422
    assert len(send(None, "GET", "/projects/shop/promotions").json()) == 2


def test_the_guide_explains_every_role() -> None:
    guide = Path(TOKENS.guide).read_text(encoding="utf-8")
    assert re.findall(r"^\| `(\w+)` \|", guide, re.MULTILINE) == [role.value for role in Role]
