"""The control API is killed in each of its writes, before the commit and after it: the client
asks again, and what was asked stands once."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import psycopg
import psycopg.rows
import pytest

from mizzen.core.runs import RunState, StepEvent, StepState
from mizzen.state.interface import State
from mizzen.state.records import (
    DecisionRecord,
    DemoStepRecord,
    Lease,
    ServedVersion,
    WindowRecord,
    lease_name,
)
from mizzen_tests.api_server import TOKEN, ApiServer
from mizzen_tests.driving import HOLDER, driving
from mizzen_tests.shop_records import NOW, RUN, fill, run

DYING = Path(__file__).resolve().parents[1] / "shared" / "mizzen_tests" / "dying_api.py"
TAR = bytes(10240)
DIGEST = hashlib.sha256(TAR).hexdigest()
TABLES = (
    "projects",
    "runs",
    "steps",
    "versions",
    "promotions",
    "windows",
    "decisions",
    "served",
    "chapters",
    "bundles",
    "leases",
)
WINDOW = WindowRecord("drift:1", "shop", None, NOW, 1, "drift", True, {"rows": 5}, None, NOW)
DECISION = DecisionRecord("shop", "drift:0", "drift", True, "allowed", "no rule", None, NOW)
OF_SERVER = {
    "versions": {"created_at"},
    "bundles": {"created_at"},
    "promotions": {"id", "at"},
    "decisions": {"id", "at"},
    "leases": {"expires_at"},
}
STEP = StepEvent(RUN, "train", StepState.SUCCEEDED, NOW, figures={"rows": 5})
LEASE = Lease(lease_name(RUN), HOLDER, 1)

WRITES: dict[str, Callable[[State], Any]] = {
    "a project": lambda s: s.projects.ensure("other", "/other", NOW),
    "a run": lambda s: s.runs.add(run("20260102-030405-bbbbbb"), "/projects/shop"),
    "a run's state": lambda s: s.runs.change(
        "shop", RUN, LEASE, state=RunState.RUNNING, attempts=2, error=None
    ),
    "a step": lambda s: s.runs.record_step("shop", STEP, 1, LEASE),
    "a lease": lambda s: s.leases.acquire("controller:shop", HOLDER, 60),
    "a lease that is renewed": lambda s: s.leases.renew(LEASE, 60),
    "a lease that is let go": lambda s: s.leases.release(LEASE),
    "a version": lambda s: s.models.register("shop", RUN, 3),
    "a promotion": lambda s: s.models.promote("shop", 1, expected=None, key="p-1"),
    "the gate's promotion": lambda s: s.models.promote_blessed("shop", RUN, LEASE),
    "a reset": lambda s: s.monitoring.reset_breaker("shop", "r-1"),
    "a lifted freeze": lambda s: s.monitoring.lift_freeze("shop", "u-1"),
    "a window": lambda s: s.monitoring.add_window(WINDOW),
    "a decision": lambda s: s.monitoring.add_decision(DECISION, "drift:0"),
    "what is served": lambda s: s.monitoring.set_served(
        ServedVersion("shop", 1, "http://x", None, NOW)
    ),
    "nothing is served": lambda s: s.monitoring.clear_served("shop"),
    "a chapter": lambda s: s.chapters.keep(DemoStepRecord("shop", "demo", 0, "d" * 64, {}, NOW)),
    "a bundle": lambda s: s.bundles.put(DIGEST, TAR, NOW),
}


@pytest.fixture(scope="module")
def dying(
    postgres: Any, migrated: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[ApiServer, Path, dict[str, str]]]:
    """A server that is started again whenever it dies, the file that lets it die, its database."""
    folder, database = tmp_path_factory.mktemp("dying"), postgres.new_database(migrated)
    program = (str(DYING), str(folder / "die"))
    server = ApiServer(database, folder / "api.log", program=program).start()
    yield server, folder / "die", database
    server.stop(9)


@pytest.mark.parametrize("where", ["commit", "answer"])
@pytest.mark.parametrize("write", WRITES)
def test_a_write_stands_once_though_its_server_was_killed(
    dying: tuple[ApiServer, Path, dict[str, str]],
    postgres: Any,
    monkeypatch: pytest.MonkeyPatch,
    write: str,
    where: str,
) -> None:
    monkeypatch.setenv("MIZZEN_API_TOKEN", TOKEN)
    server, die, database = dying
    found = []
    for killed in (False, True):
        postgres.clear(server.database)
        state = server.state()
        fill(state)
        assert driving(state, RUN) == LEASE
        state.runs.change("shop", RUN, LEASE, version=2)
        state.monitoring.add_window(replace(WINDOW, id="drift:0"))
        if killed:
            die.write_text(where)
        answer = WRITES[write](state)
        assert not die.exists()
        found.append((_told(answer), _everything(database)))
    assert found[0] == found[1]


def _told(answer: Any) -> Any:
    # numbers go on counting where a transaction was lost
    left_out = {"id", "at", "created_at"}
    return {k: v for k, v in asdict(answer).items() if k not in left_out} if answer else None


def _everything(database: dict[str, str]) -> dict[str, list[Any]]:
    where = {
        "host": database["PGHOST"],
        "port": database["PGPORT"],
        "user": database["PGUSER"],
        "password": database["PGPASSWORD"],
        "dbname": database["PGDATABASE"],
    }
    with psycopg.connect(**where, row_factory=psycopg.rows.dict_row) as connection:
        found = {
            table: connection.execute(f"SELECT * FROM {table}").fetchall()  # noqa: S608
            for table in TABLES
        }
    for row in found["windows"]:
        row["handled_by"] = row["handled_by"] is not None
    return {
        table: sorted(repr(_lasting(table, row)) for row in rows) for table, rows in found.items()
    }


def _lasting(table: str, row: dict[str, Any]) -> dict[str, Any]:
    """What a repeated write leaves as it was: times of the server and numbers only grow."""
    varying = {"revision", "content", *OF_SERVER.get(table, ())}
    return {column: value for column, value in row.items() if column not in varying}
