"""What several rooms of tests need: a database server, the control API, a memory of their own."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from mizzen import masking
from mizzen_tests.api_server import TOKEN, ApiServer, migrate
from mizzen_tests.postgres_server import PACKAGE, Postgres, find_programs

Database = dict[str, str]
StartApi = Callable[..., ApiServer]


@pytest.fixture(autouse=True)
def _secrets_of_one_test(monkeypatch: pytest.MonkeyPatch) -> None:
    """A process remembers the passwords that it met: one test's are words in another's."""
    monkeypatch.setattr(masking, "_remembered", set(masking._remembered))


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A PostgreSQL server; tests take databases of their own from it and leave it as it is."""
    with _server() as server:
        yield server


@pytest.fixture
def own_postgres() -> Iterator[Postgres]:
    """A PostgreSQL server that the test may stop."""
    with _server() as server:
        yield server


@pytest.fixture
def empty_database(postgres: Postgres) -> Database:
    """libpq's environment of a database without tables."""
    return postgres.new_database()


@pytest.fixture(scope="session")
def migrated(postgres: Postgres) -> str:
    """The name of a database with the tables of a state, which nobody writes."""
    database = postgres.new_database()
    migrate(database)
    return database["PGDATABASE"]


@pytest.fixture
def database(postgres: Postgres, migrated: str) -> Database:
    """libpq's environment of a new database with the tables of a state."""
    return postgres.new_database(migrated)


@pytest.fixture(scope="session")
def one_api(
    postgres: Postgres, migrated: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ApiServer]:
    """A control API that many tests share, one after another."""
    database = postgres.new_database(migrated)
    server = ApiServer(database, tmp_path_factory.mktemp("api") / "api.log").start()
    yield server
    server.stop()


@pytest.fixture
def api(one_api: ApiServer, postgres: Postgres, monkeypatch: pytest.MonkeyPatch) -> ApiServer:
    """A control API over an empty state; the test's environment holds its token."""
    monkeypatch.setenv("MIZZEN_API_TOKEN", TOKEN)
    postgres.clear(one_api.database)
    return one_api


@pytest.fixture
def start_api(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[StartApi]:
    """Starts the control API over a database; ends it with the test."""
    monkeypatch.setenv("MIZZEN_API_TOKEN", TOKEN)
    servers: list[ApiServer] = []

    def start(database: Database, *words: str, ready: bool = True, **options: object) -> ApiServer:
        log = tmp_path / f"api-{len(servers)}.log"
        servers.append(ApiServer(database, log, words, **options))  # type: ignore[arg-type]
        return servers[-1].start(ready)

    yield start
    for server in servers:
        if server.process is not None:
            server.process.kill()
            server.process.wait()


@contextmanager
def _server() -> Iterator[Postgres]:
    if find_programs() is None:
        missing = f"PostgreSQL is not installed: apt-get install {PACKAGE}"
        if os.environ.get("MIZZEN_CI_STRICT") == "1":
            pytest.fail(missing)
        pytest.skip(missing)
    server = Postgres()
    try:
        yield server
    finally:
        server.remove()
