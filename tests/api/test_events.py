"""Live events: they end with the run, and go on after a lost stream where it was lost."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from typing import Any

import httpx

from mizzen.core.runs import RunState, StepEvent, StepState
from mizzen.state.interface import State
from mizzen_tests.api_server import TOKEN, ApiServer
from mizzen_tests.driving import change_run, driving
from mizzen_tests.shop_records import NOW, RUN, Ask, fill

PATH = f"/projects/shop/runs/{RUN}/events"


def events(api: ApiServer, after: int | None = None) -> Iterator[tuple[int, str, Any]]:
    headers = {"Authorization": f"Bearer {TOKEN}"}
    headers |= {} if after is None else {"Last-Event-ID": str(after)}
    with httpx.stream("GET", f"{api.address}/api/v1{PATH}", headers=headers, timeout=30) as stream:
        assert stream.headers["content-type"].startswith("text/event-stream")
        fields: dict[str, str] = {}
        for line in stream.iter_lines():
            name, _, value = line.partition(": ")
            if line and name:
                fields[name] = value
            elif not line and "data" in fields:
                yield int(fields["id"]), fields["event"], json.loads(fields["data"])
                fields = {}


def step(state: State, name: str, to: StepState) -> None:
    state.runs.record_step("shop", StepEvent(RUN, name, to, NOW), 0, driving(state, RUN))


def end(state: State) -> None:
    change_run(state, RUN, state=RunState.SUCCEEDED)


def test_a_stream_tells_each_change_and_ends_with_the_run(api: ApiServer, shop: State) -> None:
    stream = events(api)
    assert next(stream)[1] == "run"
    step(shop, "one", StepState.RUNNING)
    number, kind, told = next(stream)
    assert (kind, told["step"]["name"], told["number"]) == ("step", "one", number)
    step(shop, "one", StepState.SUCCEEDED)
    assert next(stream)[2]["step"]["state"] == "succeeded"
    end(shop)
    rest = list(stream)
    assert [(kind, told["run"]["state"]) for _, kind, told in rest] == [("run", "succeeded")]


def test_a_lost_stream_goes_on_after_its_last_event(api: ApiServer, shop: State, ask: Ask) -> None:
    step(shop, "one", StepState.SUCCEEDED)
    stream = events(api)
    last = next(stream)[0]
    stream.close()
    step(shop, "two", StepState.SUCCEEDED)
    end(shop)
    rest = list(events(api, last))
    assert [(kind, (told["step"] or {}).get("name")) for _, kind, told in rest] == [
        ("step", "two"),
        ("run", None),
    ]
    again = ask("GET", PATH, headers={"Last-Event-ID": str(rest[-1][0])})
    assert (again.status, again.body) == (204, "")


def test_what_is_no_event_and_no_run_is_refused(ask: Ask, shop: State) -> None:
    assert ask("GET", PATH, headers={"Last-Event-ID": "soon"}).status == 422
    assert ask("GET", PATH, headers={"Last-Event-ID": "-1"}).status == 422
    assert ask("GET", "/projects/shop/runs/nothing/events").status == 404
    assert ask("GET", PATH, None).status == 401


def test_a_server_that_is_replaced_ends_its_streams_and_the_client_goes_on(
    start_api: Any, database: dict[str, str]
) -> None:
    server: ApiServer = start_api(database)
    state = server.state()
    fill(state)
    seen: list[Any] = []

    def follow() -> None:
        seen.extend(change for change in state.runs.follow("shop", RUN) if change is not None)

    follower = threading.Thread(target=follow)
    follower.start()
    step(state, "one", StepState.SUCCEEDED)
    while "mizzen_api_event_streams 1.0" not in httpx.get(f"{server.address}/metrics").text:
        time.sleep(0.05)
    began = time.monotonic()
    server.stop()
    assert time.monotonic() - began < 15  # it waited for no stream
    server.start()
    step(server.state(), "two", StepState.SUCCEEDED)
    end(server.state())
    follower.join(60)
    assert not follower.is_alive()
    names = [change.step.name for change in seen if change.step is not None]
    assert names == ["one", "two"]
    assert seen[-1].run.state is RunState.SUCCEEDED
