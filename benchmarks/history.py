"""A state with a long history: 10,000 finished runs, 2,000 windows, 2,000 decisions.

Medians of calls in one process, with the SQLite state of one machine, whose caches are warm: a
round of the controller that finds nothing to do, the newest runs as `mizzen runs list` reads them,
and an answer of the guard, which is a refusal, kept with its reason. None may grow with what lies
further back; the first row has hardly any history.
"""

from __future__ import annotations

import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from mizzen.control.controller import round as rounds
from mizzen.control.controller.leadership import Leadership
from mizzen.control.monitoring.retrain import ask
from mizzen.control.runs.listing import list_runs, query
from mizzen.control.scaffold import create
from mizzen.control.workspace import Workspace, open_workspace
from mizzen.core.guard import RetrainRequest
from mizzen.core.runs import RunState
from mizzen.state.database import Database
from mizzen.state.records import (
    DecisionRecord,
    Evaluation,
    RunRecord,
    WindowRecord,
    to_jsonable,
)
from mizzen.state.sql_state import SqlState

MOST_MS = 50.0
NOW = datetime.now(UTC)
HOUR = timedelta(hours=1)
REPEATS = 15


def run(quick: bool) -> list[dict[str, Any]]:
    """One row for a short history, one for a long one."""
    sizes = [(20, 10), (1000, 200)] if quick else [(20, 10), (10_000, 2000)]
    return [_measure(*size) for size in sizes]


def _measure(runs: int, answers: int) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        workspace = open_workspace(create(Path(folder) / "shop"))
        _fill(workspace, runs, answers)
        _point_alias(workspace)
        figures = {
            "idle round, ms": _median(_idle_round(workspace)),
            "runs list, ms": _median(
                lambda: list_runs(workspace, query(50, None, None, None, None))
            ),
            "decision, ms": _median(_decision(workspace)),
        }
    met = all(figure <= MOST_MS for figure in figures.values())
    return {"runs": runs, "windows, decisions": answers, **figures, "at most 50": met}


def _median(call: Callable[[], object]) -> float:
    call()
    seconds = []
    for _ in range(REPEATS):
        begin = time.perf_counter()
        call()
        seconds.append(time.perf_counter() - begin)
    return 1000 * statistics.median(seconds)


def _idle_round(workspace: Workspace) -> Callable[[], object]:
    leadership, memory = Leadership(workspace), rounds.Memory(looked=datetime.now(UTC), version=1)
    lease = leadership.lead()
    if lease is None:
        raise AssertionError("nobody else leads here")

    def once() -> None:
        found = rounds.run_round(workspace, datetime.now(UTC), leadership, lease, memory)
        if found.did or found.errors:
            raise AssertionError(found)

    return once


def _decision(workspace: Workspace) -> Callable[[], object]:
    asked = iter(range(10**6))

    def once() -> None:
        trigger = f"merge-{next(asked)}"
        found = ask(workspace, RetrainRequest(trigger, "drift", version=1), NOW)
        if not isinstance(found, DecisionRecord) or found.rule != "cooldown":
            raise AssertionError(found)

    return once


def _fill(workspace: Workspace, runs: int, answers: int) -> None:
    state = workspace.state
    if not isinstance(state, SqlState):
        raise AssertionError("the state of a new project is here")
    verdict = Evaluation("auc", 0.8, None, True, "better")
    state.runs.add(replace(_run(0, runs, workspace), evaluation=verdict), str(workspace.folder))
    _insert(state.database, "runs", [_run(n, runs, workspace) for n in range(1, runs)])
    _insert_steps(state.database, runs)
    state.models.register("shop", _name(0), 1)
    state.models.promote("shop", 1)
    _insert(state.database, "decisions", [_decided(n, answers, runs) for n in range(answers)])
    _insert(state.database, "windows", [_window(n, answers) for n in range(answers)])


def _insert(database: Database, table: str, records: list[Any]) -> None:
    documents = ("state", "error", "overrides", "evaluation")
    with database.write() as session:
        for record in records:
            values = {name: getattr(record, name) for name in record.__dataclass_fields__}
            if table == "decisions":
                values.pop("id")
            values |= {name: to_jsonable(values[name]) for name in documents if name in values}
            session.insert(table, values)


def _insert_steps(database: Database, runs: int) -> None:
    """Of each run the step that the guard asks about, and another."""
    with database.write() as session:
        for number in range(runs):
            for position, step in enumerate(("snapshot", "validate")):
                values = {"run": _name(number), "name": step, "position": position, "attempt": 1}
                rest = {"state": "succeeded", "figures": {}, "artifacts": {}, "at": NOW}
                session.insert("steps", values | rest)


def _name(number: int) -> str:
    return f"20250101-000000-{number:06d}"


def _run(number: int, runs: int, workspace: Workspace) -> RunRecord:
    at = NOW - (runs - number) * HOUR
    metrics = dict.fromkeys(("roc_auc", "pr_auc", "log_loss", "brier"), 0.7)
    return RunRecord(
        _name(number), "shop", "training", "retrain: drift", RunState.SUCCEEDED, "drift",
        {"code": "c" * 64, "start": at.isoformat(), "end": at.isoformat(), "seed": 1}, "p" * 64,
        "c" * 64, str(workspace.runs / _name(number)), at, champion=1, ended_at=at + HOUR / 2,
        overrides={"trainer.parameters.learning_rate": 0.05},
        evaluation=Evaluation("roc_auc", 0.7, 0.7, False, "held: not better", metrics),
    )  # fmt: skip


def _decided(number: int, answers: int, runs: int) -> DecisionRecord:
    at, go = NOW - (answers - number) * HOUR, number % 3 == 2 or number == answers - 1
    which = _name(max(runs - answers + number, 0)) if go else None
    return DecisionRecord(
        "shop", f"drift:{number}", "drift", go, "allowed" if go else "cooldown",
        "run x started; cooling down until tomorrow" * 2, None, at, which,
    )  # fmt: skip


def _window(number: int, answers: int) -> WindowRecord:
    end = NOW - (answers - number) * HOUR
    figures = {f"feature_{n}": 0.1 * n for n in range(12)} | {"rows": 900, "judged": True}
    alarm, kind = number % 3 == 2, "quality" if number % 4 == 0 else "drift"
    return WindowRecord(
        f"{kind}:shop:1:{number}", "shop", end - HOUR, end, 1, kind, alarm, figures, None, end,
        handled_by=number + 1,
    )  # fmt: skip


def _point_alias(workspace: Workspace) -> None:
    """The registry of the measured rounds says what the state says: nothing is to be done."""
    with sqlite3.connect(workspace.place.home / "mlflow.db") as made:
        made.execute("CREATE TABLE registered_model_aliases (name, alias, version)")
        made.execute("INSERT INTO registered_model_aliases VALUES ('shop', 'champion', 1)")
