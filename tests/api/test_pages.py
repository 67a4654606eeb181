"""Long lists come in pages, and what is polled is sent once."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from mizzen.state.interface import State
from mizzen.state.records import DecisionRecord, WindowRecord
from mizzen.state.remote import state as remote
from mizzen.state.sql_state import SqlState
from mizzen_tests.asgi_client import AsgiClient
from mizzen_tests.driving import change_run
from mizzen_tests.shop_records import NOW, RUN

LISTS = ("versions", "promotions", "windows", "decisions")


@pytest.fixture
def many(kept: SqlState) -> SqlState:
    """Five versions, and some more of everything that is listed."""
    fill_lists(kept)
    return kept


def fill_lists(state: State) -> None:
    for number in range(3, 6):
        state.models.register("shop", RUN, number)
    for number in (1, 2, 3, 1, 2):
        state.models.promote("shop", number)
    for number in range(5):
        end = NOW + timedelta(days=number // 3)  # some end together
        kind = "quality" if number == 4 else "drift"
        window = WindowRecord(f"w-{9 - number}", "shop", None, end, 1, kind, False, {}, None, NOW)
        state.monitoring.add_window(window)
        decision = DecisionRecord("shop", f"t-{number}", "drift", False, "cause", "no", None, NOW)
        state.monitoring.add_decision(decision)


@pytest.mark.parametrize("limit", [1, 2, 3, 5, 100])
@pytest.mark.parametrize("subject", LISTS)
def test_pages_hold_everything_once_and_in_order(
    send: AsgiClient, many: SqlState, subject: str, limit: int
) -> None:
    path = f"/projects/shop/{subject}"
    whole = send(None, "GET", path).json()
    assert len(whole) == 5
    found, wanted = [], f"/api/v1{path}?limit={limit}"
    while wanted:
        answer = send(None, "GET", wanted.removeprefix("/api/v1"))
        assert len(answer.json()) <= limit
        found += answer.json()
        wanted = answer.links.get("next", {}).get("url", "")
    assert found == whole


def test_a_page_is_bounded_and_begins_after_something_that_is_there(
    send: AsgiClient, many: SqlState
) -> None:
    for subject in LISTS:
        path = f"/projects/shop/{subject}"
        assert send(None, "GET", f"{path}?limit=1001").status_code == 422
        assert send(None, "GET", f"{path}?limit=0").status_code == 422
    unknown = send(None, "GET", "/projects/shop/windows?after=nothing")
    assert (unknown.status_code, unknown.json()["type"]) == (404, "/api/v1/problems/NotFound")


def test_a_list_is_filtered_page_by_page(send: AsgiClient, many: SqlState) -> None:
    windows = "/projects/shop/windows?limit=2&kind=drift"
    first = send(None, "GET", windows)
    assert [w["id"] for w in first.json()] == ["w-7", "w-8"]
    rest = send(None, "GET", first.links["next"]["url"].removeprefix("/api/v1"))
    assert [w["id"] for w in rest.json()] == ["w-9", "w-6"]
    decisions = send(None, "GET", "/projects/shop/decisions?trigger=t-3").json()
    assert [d["trigger_id"] for d in decisions] == ["t-3"]


def test_a_client_reads_all_pages(
    shop: State, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    fill_lists(shop)
    whole = [
        shop.models.all_versions("shop"),
        shop.models.history("shop"),
        shop.monitoring.all_windows("shop"),
        shop.monitoring.all_decisions("shop"),
    ]
    monkeypatch.setattr(remote, "_PAGE", 2)
    assert [len(found) for found in whole] == [5] * 4
    assert whole == [
        shop.models.all_versions("shop"),
        shop.models.history("shop"),
        shop.monitoring.all_windows("shop"),
        shop.monitoring.all_decisions("shop"),
    ]


@pytest.mark.parametrize("path", ["champion", f"runs/{RUN}", "runs"])
def test_who_polls_gets_an_answer_only_where_something_changed(
    send: AsgiClient, kept: SqlState, path: str
) -> None:
    path = f"/projects/shop/{path}"
    first = send(None, "GET", path)
    tag = first.headers["etag"]
    for known in (tag, f'"other", W/{tag}', "*"):
        again = send(None, "GET", path, headers={"If-None-Match": known})
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
    kept.models.promote("shop", 1)
    change_run(kept, RUN, version=1)
    changed = send(None, "GET", path, headers={"If-None-Match": tag})
    assert (changed.status_code, changed.headers["etag"] == tag) == (200, False)
