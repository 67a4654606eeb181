"""What a request gets that does not fit, and what every answer carries."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from dataclasses import fields
from typing import Any

import pytest

from mizzen.api.reference import FILE, PAGE, description, page
from mizzen.core.problem import Problem
from mizzen.errors import InvalidData, UserError
from mizzen.state.interface import State
from mizzen.state.records import to_jsonable
from mizzen_tests.api_server import ApiServer
from mizzen_tests.driving import driving
from mizzen_tests.shop_records import RUN, Ask, run

PROBLEMS = "/api/v1/problems/"
MISSING = "/projects/shop/runs/nothing"


def problem(kind: str) -> str:
    """The type of a problem document."""
    return f"{PROBLEMS}{kind}"


def archive(*members: tuple[str, bytes | None, bytes]) -> bytes:
    """A tar of (name, kind, content); kind None is a regular file."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for name, kind, content in members:
            member = tarfile.TarInfo(name)
            member.size = len(content)
            if kind is not None:
                member.type, member.linkname = kind, "/etc/passwd"
            tar.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


@pytest.mark.parametrize("token", [None, "wrong", "a-token-of-the-test", "ä"])
def test_without_a_token_that_counts_nothing_is_said(ask: Ask, token: str | None) -> None:
    headers = {} if token != "ä" else {"Authorization": b"Bearer \xc3\xa4"}
    answers = [
        ask(method, path, None if headers else token, headers=headers)
        for method, path in [
            ("GET", "/projects"),
            ("GET", MISSING),
            ("PUT", "/projects/shop/served"),
            ("POST", "/projects/shop/predict"),
        ]
    ]
    assert {told.status for told in answers} == {401}
    assert len({json.dumps(told.body) for told in answers}) == 1
    assert answers[0].headers["www-authenticate"] == "Bearer"


def test_another_scheme_is_no_token(ask: Ask) -> None:
    headers = {"Authorization": "Basic YS10b2tlbi1vZi10aGUtdGVzdHM6"}
    assert ask("GET", "/projects", None, headers=headers).status == 401


def test_tokens_rotate_and_are_never_written(start_api: Any, database: dict[str, str]) -> None:
    both = {"MIZZEN_API_TOKEN": "first-secret, second-secret\n"}
    server: ApiServer = start_api(database, environment=both)
    import httpx

    for token, status in [("first-secret", 200), ("second-secret", 200), ("first-secret,", 401)]:
        headers = {"Authorization": f"Bearer {token}", "X-Request-Id": "mine"}
        found = httpx.get(f"{server.address}/api/v1/projects", headers=headers)
        assert found.status_code == status
    httpx.get(f"{server.address}/api/v1/projects?token=first-secret")
    assert server.stop() == 0
    log = server.log.read_text()
    assert '"path": "/api/v1/projects"' in log
    assert "secret" not in log


def test_a_server_without_a_token_does_not_start(
    start_api: Any, database: dict[str, str], capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(AssertionError, match=r"no token(.|\n)*openssl rand"):
        start_api(database, environment={"MIZZEN_API_TOKEN": " , "})


def test_an_unknown_address_and_a_wrong_method_are_told(ask: Ask) -> None:
    unknown = ask("GET", "/nothing")
    assert (unknown.status, unknown.body["type"]) == (404, problem("NotFound"))
    wrong = ask("POST", "/projects")
    assert (wrong.status, wrong.headers["allow"]) == (405, "GET")
    assert wrong.body["type"] == problem("UserError")
    assert wrong.body["status"] == 405


@pytest.mark.parametrize(
    ("content", "status"),
    [(b"{", 400), (b"", 422), (b"[]", 422), (b"null", 422), (b"\xff\xfe", 400), (b"{}", 422)],
)
def test_what_is_no_promotion_is_refused_with_its_place(
    ask: Ask, content: bytes, status: int
) -> None:
    headers = {"Content-Type": "application/json"}
    told = ask("POST", "/projects/shop/promotions", content=content, headers=headers)
    assert (told.status, told.body["type"]) == (status, problem("InvalidData"))
    assert told.headers["content-type"] == "application/problem+json"
    assert told.body["status"] == status
    assert told.body["title"].startswith("A table, a row or a request does not fit")
    assert set(told.body) == {field.name for field in fields(Problem)}


@pytest.mark.parametrize("name", ["..", "%2e%2e", "Shop", "a_b", "a" * 41, "a%2Fb", "-a", "a%00"])
def test_what_is_no_name_of_a_project_is_refused(ask: Ask, name: str) -> None:
    assert ask("GET", f"/projects/{name}/runs").status in {404, 422}
    assert ask("POST", f"/projects/{name}/predict", json={}).status in {404, 405, 422}


def test_a_project_that_nobody_told_of_is_unknown(ask: Ask, api: ApiServer) -> None:
    assert ask("GET", "/projects/nothing/runs/1").status == 404
    assert ask("GET", "/projects/nothing/versions/1").status == 404
    predicted = ask("POST", "/projects/nothing/predict", json={"rows": []})
    assert (predicted.status, predicted.body["type"]) == (404, problem("NotFound"))
    served = {"version": 1, "address": "", "pid": None, "since": "2026-01-01T00:00:00Z"}
    told = ask("PUT", "/projects/nothing/served", json={**served, "project": "nothing"})
    assert (told.status, told.body["type"]) == (409, problem("Conflict"))


def test_a_runbook_opens_without_a_token(ask: Ask) -> None:
    found = ask("GET", "/runbooks/MizzenDrift", None)
    assert (found.status, found.headers["content-type"]) == (200, "text/plain; charset=utf-8")
    unknown = ask("GET", "/runbooks/MizzenDraft", None)
    assert (unknown.status, unknown.body["type"]) == (404, problem("NotFound"))
    assert "MizzenDrift" in unknown.body["allowed"]


def test_the_type_of_an_error_leads_to_what_it_means(ask: Ask) -> None:
    kind = ask("GET", "/nothing", None).body["type"].removeprefix("/api/v1")
    found = ask("GET", kind, None)
    assert (found.status, found.headers["content-type"]) == (200, "text/plain; charset=utf-8")
    assert found.body.startswith("NotFound: Something was named that does not exist.")
    assert "Sending the same request again is useless." in found.body
    for name in ("Path", "masked", "nothing", "__doc__"):
        unknown = ask("GET", f"/problems/{name}", None)
        assert (unknown.status, "TemporaryError" in unknown.body["allowed"]) == (404, True)


def test_an_address_and_its_body_agree_and_instants_have_zones(ask: Ask, shop: State) -> None:
    served = {
        "project": "shop",
        "version": 1,
        "address": "",
        "pid": None,
        "since": "2026-01-01T00:00:00Z",
    }
    path = "/projects/shop/served"
    assert ask("PUT", path, json=served).status == 204
    assert "address" in ask("PUT", path, json={**served, "project": "other"}).body["detail"]
    naive = ask("PUT", path, json={**served, "since": "2026-01-01T00:00:00"})
    assert (naive.status, naive.body["allowed"][:23]) == (422, "an instant with zone, a")


def test_what_the_database_cannot_keep_is_refused(ask: Ask, shop: State) -> None:
    path = "/projects/shop/promotions"
    assert ask("POST", path, json={"version": 1, "reason": "a\x00b"}).status == 422
    key = {"Idempotency-Key": "x" * 41}
    assert ask("POST", path, json={"version": 1}, headers=key).status == 422
    assert ask("PATCH", "/projects/shop/runs/1", json={"colour": "red"}).status == 422


UNKEEPABLE = {
    "half a surrogate pair": r'"\ud800"',
    "NUL": r'"a\u0000b"',
    "an hour before the calendar": '"0001-01-01T00:00:00+14:00"',
    "an hour after the calendar": '"9999-12-31T23:59:59-14:00"',
    "not a number": "NaN",
    "more than any number": "1e999",
}


@pytest.mark.parametrize("value", UNKEEPABLE.values(), ids=list(UNKEEPABLE))
@pytest.mark.parametrize("field", ["title", "created_at", "arguments", "error", "champion"])
def test_no_value_of_a_field_is_a_fault_of_the_server(
    ask: Ask, shop: State, field: str, value: str
) -> None:
    inside = {"arguments": f'{{"a": [{{"b": {value}}}]}}', "error": f'{{"c": {value}}}'}
    fields = {name: json.dumps(told) for name, told in to_jsonable(run("r-2")).items()}
    fields[field] = inside.get(field, value)
    body = ", ".join(f'"{name}": {told}' for name, told in fields.items())
    content = f'{{"run": {{{body}}}, "project_folder": "/"}}'.encode()
    headers = {"Content-Type": "application/json"}
    told = ask("PUT", "/projects/shop/runs/r-2", content=content, headers=headers)
    plain_text = "T" in value and field in {"title", "arguments", "error"}
    assert told.status == (204 if plain_text else 422), told
    lease = json.dumps(to_jsonable(driving(shop, RUN)))
    content = f'{{"lease": {lease}, "values": {{"error": {{"x": {value}}}}}}}'.encode()
    patched = ask("PATCH", f"/projects/shop/runs/{RUN}", headers=headers, content=content)
    assert patched.status == (204 if "T" in value else 422)


def test_a_name_of_a_field_is_text_too(ask: Ask, shop: State) -> None:
    headers = {"Content-Type": "application/json"}
    lease = json.dumps(to_jsonable(driving(shop, RUN))).encode()
    content = b'{"lease": ' + lease + rb', "values": {"error": {"\ud800": 1}}}'
    told = ask("PATCH", f"/projects/shop/runs/{RUN}", content=content, headers=headers)
    assert (told.status, "is no text" in told.body["detail"]) == (422, True)


def test_every_answer_carries_the_requests_id(ask: Ask) -> None:
    assert len(ask("GET", "/projects").headers["x-request-id"]) == 16
    for asked, status in [("my-id.1", 200), ("x" * 65, 200), ("a b", 200)]:
        told = ask("GET", "/projects", headers={"X-Request-Id": asked})
        assert told.status == status
        assert (told.headers["x-request-id"] == asked) == (asked == "my-id.1")
    assert ask("GET", "/projects", "wrong").headers["x-request-id"]


def test_a_body_above_the_limit_is_refused(start_api: Any, database: dict[str, str]) -> None:
    server: ApiServer = start_api(database, "--largest", "20000")
    content = bytes(30720)
    with pytest.raises(InvalidData, match="too large"):
        server.state().bundles.put(hashlib.sha256(content).hexdigest(), content, _now())
    import httpx

    headers = {"Authorization": "Bearer a-token-of-the-tests"}
    parts = (bytes(1000) for _ in range(1000))  # no length is told before
    told = httpx.put(f"{server.address}/api/v1/projects/shop", content=parts, headers=headers)
    assert told.status_code == 413
    assert told.json()["allowed"] == "up to 20000 bytes"
    assert server.state().projects.all() == []


@pytest.mark.parametrize(
    "content",
    [
        archive(("../evil.py", None, b"x")),
        archive(("/etc/evil.py", None, b"x")),
        archive(("a/../../evil.py", None, b"x")),
        archive(("link.py", tarfile.SYMTYPE, b"")),
        archive(("link.py", tarfile.LNKTYPE, b"")),
        archive(("device", tarfile.CHRTYPE, b"")),
        archive(("folder", tarfile.DIRTYPE, b"")),
        b"no archive at all, but long enough to be read as one" * 20,
        b"",
    ],
)
def test_a_bundle_holds_nothing_but_files_below_its_folder(shop: State, content: bytes) -> None:
    digest = hashlib.sha256(content).hexdigest()
    with pytest.raises(UserError):
        shop.bundles.put(digest, content, _now())
    assert not shop.bundles.has(digest)


def test_a_bundle_is_kept_under_its_own_digest_only(ask: Ask, shop: State) -> None:
    content = archive(("model.py", None, b"print()"))
    digest = hashlib.sha256(content).hexdigest()
    other = f"{'0' * 64}"
    assert ask("PUT", f"/bundles/{other}", content=content).status == 422
    assert ask("PUT", "/bundles/..%2f..%2fetc", content=content).status in {404, 422}
    assert ask("PUT", f"/bundles/{digest}", content=content).status == 204
    assert shop.bundles.get(digest) == content
    assert ask("GET", f"/bundles/{other}").status == 404


def test_pages_for_machines_ask_no_token_and_name_routes(ask: Ask, api: ApiServer) -> None:
    import httpx

    ask("GET", MISSING)
    assert api.ask("/healthz") == api.ask("/readyz") == 200
    page = httpx.get(f"{api.address}/metrics").text
    route = "/projects/{project}/runs/{run}"
    assert f'mizzen_api_requests_total{{method="GET",route="{route}",status="404"}}' in page
    assert "mizzen_api_ready 1.0" in page
    assert "nothing" not in page
    assert httpx.get(f"{api.address}/docs").status_code == 404


def test_the_committed_description_is_what_the_code_answers(ask: Ask) -> None:
    committed = json.loads(FILE.read_text(encoding="utf-8"))
    assert committed == description(), "run make generate"
    assert PAGE.read_text(encoding="utf-8") == page(committed), "run make generate"
    assert ask("GET", "/openapi.json", None).body == committed


def _now() -> Any:
    from datetime import UTC, datetime

    return datetime.now(UTC)
