"""Events that ask for a retraining in one request, and commands that say the very same."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from mizzen.control.monitoring.triggers import answer_requests
from mizzen.control.scaffold import create
from mizzen.control.workspace import open_workspace
from mizzen.project import Project
from mizzen.state.interface import State
from mizzen_tests.api_server import ApiServer
from mizzen_tests.shop_records import Ask, Told

PATH = "/projects/shop/retraining-requests"


def event(ask: Ask, key: str | None = "abc123", **body: Any) -> Told:
    headers = {} if key is None else {"Idempotency-Key": key}
    return ask("POST", PATH, headers=headers, json={"cause": "merge"} | body)


def test_one_request_asks_for_a_retraining_and_the_same_key_shows_its_decision(
    ask: Ask, shop: State
) -> None:
    first = event(ask, reason="merge of main")
    assert first.status == 202
    assert first.body["state"] == "waiting"
    assert first.body["decision"] is None
    assert first.body["by"] == "MIZZEN_API_TOKEN"  # the token's name, and the server's clock
    asked = datetime.fromisoformat(first.body["at"])
    assert abs(asked - datetime.now(UTC)) < timedelta(minutes=5)
    assert event(ask).body == first.body
    assert ask("GET", f"{PATH}/abc123").body == first.body
    assert ask("GET", f"{PATH}?waiting=true").body == [first.body]
    assert shop.triggers.requests("shop", 10)[0].key == "abc123"


def test_a_key_is_one_event_of_one_cause(ask: Ask, shop: State) -> None:
    assert event(ask).status == 202
    told = event(ask, cause="data")
    assert told.status == 409
    assert "used for another request" in str(told.body)


@pytest.mark.parametrize(
    ("key", "body"),
    [
        (None, {}),
        ("", {}),
        ("a b", {}),
        ("x" * 81, {}),
        ("abc", {"cause": "drift"}),
        ("abc", {"cause": "moon"}),
        ("abc", {"cause": 7}),
        ("abc", {"by": "somebody else"}),
        ("abc", {"at": "2026-01-02T03:04:05Z"}),
        ("abc", {"reason": "x" * 2001}),
        ("abc", {"reason": "\0"}),
    ],
)
def test_what_is_no_event_is_refused_and_nothing_is_kept(
    ask: Ask, shop: State, key: str | None, body: dict[str, Any]
) -> None:
    told = event(ask, key, **body)
    assert told.status == 422, told.body
    assert shop.triggers.requests("shop", 10) == []


def test_a_project_that_nobody_knows_is_not_made_by_an_event(ask: Ask, api: ApiServer) -> None:
    assert event(ask).status == 404
    assert ask("GET", f"{PATH}/abc123").status == 404
    assert ask("GET", "/projects").body == []


def test_a_command_and_a_request_say_the_same(api: ApiServer, ask: Ask, tmp_path: Path) -> None:
    """One machine stores by the command, CI sends the request; a third machine answers."""
    folder = create(tmp_path / "shop")
    profile = "apiVersion: mizzen.dev/v1\nkind: Profile\n"
    (folder / "profiles" / "local.yaml").write_text(f"{profile}control: {{url: {api.address}}}\n")
    project = Project(open_workspace(folder))
    asked = project.request_retraining("merge", "abc123", "merge of main")
    told = event(ask)
    assert (told.status, told.body["at"], told.body["by"]) == (
        202, asked.at.isoformat().replace("+00:00", "Z"), asked.by,
    )  # fmt: skip
    answer_requests(open_workspace(folder), datetime.now(UTC) + timedelta(minutes=5))
    decided = event(ask)
    assert (decided.status, decided.body["state"]) == (200, "decided")
    assert decided.body["decision"]["rule"] == "cause"
    assert "retraining.triggers lists drift, not merge" in decided.body["decision"]["reason"]
    assert project.retraining_requests()[0].decision == project.decisions()[0]


def test_how_far_a_schedule_was_answered_is_kept_for_whichever_controller_looks_next(
    ask: Ask, shop: State
) -> None:
    assert ask("GET", "/projects/shop/schedule").body == "null"
    kept = {"cron": "0 3 * * 1", "zone": "Europe/Berlin", "since": "2026-01-02T03:04:05Z"}
    assert ask("PUT", "/projects/shop/schedule", json=kept).status == 204
    assert ask("GET", "/projects/shop/schedule").body == {"project": "shop"} | kept
    assert ask("PUT", "/projects/shop/schedule", json=kept | {"since": "now"}).status == 422
    assert ask("PUT", "/projects/nothing/schedule", json=kept).status in {404, 409}
    assert ask("DELETE", "/projects/shop/schedule").status == 204
