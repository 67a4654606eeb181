"""A project, its run and its versions, as the tests of the control API tell them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from mizzen.core.runs import RunState
from mizzen.state.interface import State
from mizzen.state.records import Evaluation, RunRecord

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
RUN = "20260102-030405-aaaaaa"
BLESSED = Evaluation("auc", 0.5, None, True, "why")


@dataclass(frozen=True, slots=True)
class Told:
    """One answer."""

    status: int
    headers: Mapping[str, str]
    body: Any


Ask = Callable[..., Told]


def fill(state: State) -> None:
    state.runs.add(run(evaluation=BLESSED), "/projects/shop")
    for number in (1, 2):
        state.models.register("shop", RUN, number)


def run(run_id: str = RUN, **values: Any) -> RunRecord:
    fields: dict[str, Any] = {
        "id": run_id,
        "project": "shop",
        "kind": "training",
        "title": "a run",
        "state": RunState.QUEUED,
        "trigger": "person",
        "arguments": {},
        "plan": "p" * 64,
        "code": "c" * 64,
        "folder": "/projects/shop/.mizzen/runs/1",
        "created_at": NOW,
    }
    return RunRecord(**fields | values)
