"""The database goes away, hangs, is behind or ahead: what the API says meanwhile, and after."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import psycopg
import pytest

from mizzen.core.runs import StepEvent, StepState
from mizzen.state.database import HEAD
from mizzen_tests.api_server import TOKEN, ApiServer, migrate
from mizzen_tests.driving import driving
from mizzen_tests.postgres_server import Postgres
from mizzen_tests.shop_records import NOW, RUN, fill, run

StartApi = Callable[..., ApiServer]
Database = dict[str, str]


def ready(server: ApiServer) -> tuple[int, Any]:
    told = httpx.get(f"{server.address}/readyz", timeout=60)
    return told.status_code, told.json()


def wait_until(server: ApiServer, status: int = 200) -> None:
    until = time.monotonic() + 60
    while ready(server)[0] != status:
        assert time.monotonic() < until, server.log.read_text()
        time.sleep(0.2)


def change(database: Database, *statements: str) -> None:
    where = {
        "host": database["PGHOST"],
        "port": database["PGPORT"],
        "user": database["PGUSER"],
        "password": database["PGPASSWORD"],
        "dbname": database["PGDATABASE"],
    }
    with psycopg.connect(**where) as connection:
        for statement in statements:
            connection.execute(statement)


def stamp(database: Database, at: str, works_from: str) -> None:
    change(
        database,
        f"UPDATE alembic_version SET version_num = '{at}'",  # noqa: S608
        f"UPDATE compatibility SET works_from = '{works_from}'",  # noqa: S608
    )


@pytest.mark.slow
def test_a_database_that_is_restarted_under_writers_loses_nothing(
    own_postgres: Postgres, start_api: StartApi
) -> None:
    database = own_postgres.new_database()
    migrate(database)
    server = start_api(database)
    state = server.state()
    fill(state)
    lease = driving(state, RUN)
    begun, stop = threading.Event(), threading.Event()
    kept: list[list[str]] = [[], [], []]

    def write(worker: int) -> None:
        while not stop.is_set():
            name = f"step-{worker}-{len(kept[worker])}"
            event = StepEvent(RUN, name, StepState.SUCCEEDED, NOW)
            state.runs.record_step("shop", event, len(kept[worker]), lease)
            kept[worker].append(name)
            begun.set()

    with ThreadPoolExecutor(3) as pool:
        writers = [pool.submit(write, worker) for worker in range(3)]
        begun.wait(30)
        try:
            for _ in range(2):
                own_postgres.stop()
                wait_until(server, 503)
                own_postgres.start()
                wait_until(server)
                before = sum(map(len, kept))
                until = time.monotonic() + 60
                while sum(map(len, kept)) < before + 10 and time.monotonic() < until:
                    time.sleep(0.05)
        finally:
            stop.set()
        for writer in writers:
            writer.result(60)
    found = {step.name for step in state.runs.steps_of("shop", RUN)}
    assert found == {name for names in kept for name in names}


@pytest.mark.slow
def test_a_database_that_hangs_is_waited_for_and_the_process_lives(
    own_postgres: Postgres, start_api: StartApi
) -> None:
    database = own_postgres.new_database()
    migrate(database)
    server = start_api(database)
    state = server.state()
    with ThreadPoolExecutor(1) as pool:
        own_postgres.pause()
        try:
            writing = pool.submit(state.runs.add, run(), "/projects/shop")
            assert server.ask("/healthz") == 200
            time.sleep(1)
            assert not writing.done()
        finally:
            own_postgres.go_on()
        writing.result(60)
    assert [found.id for found in state.runs.newest_first("shop")] == [RUN]


def test_where_the_database_is_stays_unsaid_without_a_token(start_api: StartApi) -> None:
    nowhere = {"PGHOST": "127.0.0.1", "PGPORT": "1", "PGUSER": "u", "PGPASSWORD": "hidden"}
    server = start_api({**nowhere, "PGDATABASE": "somewhere"}, ready=False)
    status, told = ready(server)
    assert (status, told["type"], told["given"]) == (
        503,
        "/api/v1/problems/TemporaryError",
        None,
    )
    page = httpx.get(f"{server.address}/metrics").text
    assert "mizzen_api_ready 0.0" in page
    headers = {"Authorization": f"Bearer {TOKEN}"}
    refused = httpx.get(f"{server.address}/api/v1/projects", headers=headers)
    assert (refused.status_code, refused.headers["retry-after"]) == (503, "1")
    assert "hidden" not in refused.text + page + server.log.read_text()


def test_the_api_never_migrates_and_becomes_ready_when_the_job_has(
    empty_database: Database, start_api: StartApi
) -> None:
    server = start_api(empty_database, ready=False)
    status, told = ready(server)
    assert (status, told["given"], told["allowed"]) == (503, "tables none", f"tables {HEAD}")
    assert migrate(empty_database, "current").stdout.strip() == "none"
    assert migrate(empty_database, "check").returncode == 6
    migrate(empty_database)
    wait_until(server)
    fill(server.state())
    assert migrate(empty_database, "check").stdout.strip() == HEAD


def test_code_goes_on_with_tables_one_migration_ahead_and_not_with_two(
    database: Database, start_api: StartApi
) -> None:
    server = start_api(database)
    fill(server.state())
    change(database, "ALTER TABLE runs ADD COLUMN owner TEXT DEFAULT 'nobody' NOT NULL")
    stamp(database, "0099", HEAD)
    server.state().runs.add(run("20260102-030405-bbbbbb"), "/projects/shop")
    assert server.stop() == 0
    after_rollback = server.start()
    assert ready(after_rollback)[1]["tables"] == "0099"
    assert len(after_rollback.state().runs.newest_first("shop")) == 2
    assert migrate(database).stdout.strip() == "tables 0099 -> 0099"  # the older Job does nothing
    stamp(database, "0100", "0099")
    time.sleep(1.1)
    status, told = ready(after_rollback)
    assert (status, told["type"]) == (503, "/api/v1/problems/IntegrityError")
    assert "which work from 0099" in told["given"]
    assert migrate(database, "check").returncode == 6


def test_the_options_of_the_environment_count_too(
    empty_database: Database, start_api: StartApi
) -> None:
    change(empty_database, "CREATE SCHEMA api")
    database = {**empty_database, "PGOPTIONS": "-c search_path=api"}
    migrate(database)
    fill(start_api(database).state())
    change(database, "SELECT 1 FROM api.runs", "SELECT 1 FROM api.alembic_version")
    assert migrate(empty_database, "current").stdout.strip() == "none"


@pytest.mark.slow
def test_two_migrations_at_once_wait_for_one_another(empty_database: Database) -> None:
    with ThreadPoolExecutor(3) as pool:
        jobs = [pool.submit(migrate, empty_database) for _ in range(3)]
        told = sorted(job.result().stdout.strip() for job in jobs)
    assert told[-1].endswith(f"-> {HEAD}")
    assert migrate(empty_database, "check").stdout.strip() == HEAD


def test_a_migration_waits_for_a_database_that_starts_and_then_gives_up(
    own_postgres: Postgres,
) -> None:
    database = own_postgres.new_database()
    own_postgres.stop()
    assert migrate(database, "upgrade", "--wait", "0").returncode == 7
    with ThreadPoolExecutor(1) as pool:
        job = pool.submit(migrate, database)
        time.sleep(2)
        own_postgres.start()
        assert job.result().stdout.strip() == f"tables none -> {HEAD}"
