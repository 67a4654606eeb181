"""The state survives kills, serves two processes at once, and knows its own tables."""

from __future__ import annotations

import itertools
import subprocess
import sys
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import JSON, Boolean, MetaData, create_engine

from mizzen.errors import IntegrityError, UserError
from mizzen.state import sqlite_store, tables
from mizzen.state.database import HEAD, Database, open_address
from mizzen.state.migrations.apply import _configuration, _scripts, newest
from mizzen.state.session import Prefix
from mizzen.state.sql_state import SqlState
from mizzen.state.sqlalchemy_store import ServerStore

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
PROMOTION = {
    "project": "p0",
    "version": 0,
    "previous": None,
    "by": "gate",
    "reason": "",
    "forced": False,
    "at": NOW,
}
CHAPTER = {
    "project": "p0",
    "story": "s",
    "position": 0,
    "digest": "",
    "result": {"a": [1, None]},
    "at": NOW,
}

ADDER = """
import sys
from datetime import UTC, datetime
from mizzen.state.database import open_address
values = {"name": sys.argv[2], "folder": "", "created_at": datetime.now(UTC)}
with open_address(sys.argv[1]).write() as session:
    session.insert("projects", values)
"""


@pytest.fixture
def address(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/a%20state.db"


def test_migrations_make_the_tables_that_the_code_uses(address: str) -> None:
    open_address(address)
    with create_engine(address).connect() as connection:
        context = MigrationContext.configure(connection)
        assert compare_metadata(context, tables.metadata) == []
    assert newest() == HEAD


def test_opening_again_needs_no_library(address: str) -> None:
    open_address(address)
    code = (
        "import sys; from mizzen.state.database import open_address; "
        "open_address(sys.argv[1]); print({'alembic', 'sqlalchemy'} & sys.modules.keys())"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, address], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "set()"


def test_processes_see_each_other_though_the_state_was_opened_twice_in_one(address: str) -> None:
    known = open_address(address)
    _add_project(known, "here", NOW)
    open_address(address).check()
    for name in ("there", "later"):
        subprocess.run([sys.executable, "-c", ADDER, address, name], check=True)
    assert _projects(known) == ["here", "later", "there"]
    _add_project(known, "last", NOW)
    assert "last" in _projects(open_address(address))


def test_a_state_of_a_newer_mizzen_is_refused(address: str) -> None:
    _stamp(address, "9999", "9998")
    with pytest.raises(IntegrityError, match="newer Mizzen"):
        open_address(address)


def test_a_state_one_migration_ahead_is_used_as_it_is(address: str) -> None:
    _add_project(open_address(address), "before", NOW)
    _stamp(address, "9999", HEAD)
    _add_project(open_address(address), "after", NOW)
    assert open_address(address).check() == "9999"


def test_a_run_of_before_is_read_without_what_was_not_kept_then(address: str) -> None:
    run = dict.fromkeys(("id", "kind", "title", "trigger", "plan", "code", "folder"), "")
    run |= {"project": "shop", "state": "failed", "arguments": {}, "attempts": 1, "created_at": NOW}
    engine = create_engine(address)
    with engine.begin() as connection:
        configuration = _configuration()
        configuration.attributes["connection"] = connection
        command.upgrade(configuration, "0002")
        before = MetaData()
        before.reflect(connection)
        connection.execute(tables.projects.insert().values(name="shop", folder="", created_at=NOW))
        arguments = {"arguments": "{}", "created_at": NOW.replace(tzinfo=None)}
        connection.execute(before.tables["runs"].insert().values(run | arguments))
    (found,) = SqlState(open_address(address)).runs.newest_first("shop")
    assert (found.overrides, found.evaluation) == ({}, None)


def test_each_migration_works_with_the_code_before_it() -> None:
    scripts = list(reversed(list(_scripts().walk_revisions())))
    for before, script in itertools.pairwise(scripts):
        assert script.module.works_from <= before.revision


@pytest.mark.parametrize("address", ["nonsense", "oracle-x://nowhere", "sqlite:////nowhere/x/y.db"])
def test_an_address_that_cannot_be_opened_is_an_error_of_ours(address: str) -> None:
    with pytest.raises(Exception) as caught:
        open_address(address)
    assert type(caught.value).__module__ == "mizzen.errors"


def test_a_password_in_an_address_is_not_told() -> None:
    with pytest.raises(UserError) as caught:
        open_address("oracle-x://me:secret@nowhere/db")
    assert "secret" not in str(caught.value)


def test_instants_come_back_with_their_zone(address: str) -> None:
    database = open_address(address)
    new_york = NOW.astimezone(timezone(timedelta(hours=-5)))
    _add_project(database, "a", new_york)
    with database.read() as session:
        (found,) = session.find("projects", ["created_at"], {})
    assert found["created_at"] == NOW
    assert found["created_at"].tzinfo is not None


def test_a_transaction_is_all_or_nothing(address: str) -> None:
    database = open_address(address)
    with pytest.raises(ZeroDivisionError), database.write() as session:
        session.insert("projects", {"name": "a", "folder": "", "created_at": NOW})
        raise ZeroDivisionError
    with database.read() as session:
        assert session.find("projects", ["name"], {}) == []


WRITER = """
import sys
from datetime import UTC, datetime
from mizzen.state.database import open_address
database = open_address(sys.argv[1])
for number in range(60):
    name = f"{sys.argv[2]}-{number}"
    with database.write() as session:
        session.insert("projects", {"name": name, "folder": "", "created_at": datetime.now(UTC)})
"""


def test_processes_that_open_and_write_at_once_lose_nothing(address: str) -> None:
    writers = [
        subprocess.Popen([sys.executable, "-c", WRITER, address, name], stderr=subprocess.PIPE)
        for name in ("one", "two", "three")
    ]
    for writer in writers:
        _, told = writer.communicate(timeout=120)
        assert writer.returncode == 0, told.decode()
    with open_address(address).read() as session:
        assert len(session.find("projects", ["name"], {})) == 180


def test_a_reader_does_not_wait_for_a_writer(address: str) -> None:
    database = open_address(address)
    with database.write() as writing:
        writing.insert("projects", {"name": "a", "folder": "", "created_at": NOW})
        with database.read() as reading:
            assert reading.find("projects", ["name"], {}) == []


def test_columns_are_read_as_what_the_tables_say(address: str) -> None:
    columns = [column for table in tables.metadata.tables.values() for column in table.c]
    for column in columns:
        assert (column.name in sqlite_store.INSTANTS) == isinstance(column.type, tables.Instant)
        assert (column.name in sqlite_store.DOCUMENTS) == isinstance(column.type, JSON)
        assert (column.name in sqlite_store.FLAGS) == isinstance(column.type, Boolean)


def test_both_back_ends_read_what_either_wrote(address: str) -> None:
    beside = Database(ServerStore(address))
    for number, database in enumerate([open_address(address), beside]):
        _add_project(database, f"p{number}", NOW)
        with database.write() as session:
            session.insert("promotions", PROMOTION | {"version": number})
            session.change("promotions", {"version": number}, {"forced": True})
            session.insert("chapters", CHAPTER | {"position": number})
            session.remove("projects", {"name": "p1"})
    for database in (open_address(address), beside):
        with database.read() as session:
            fields = ["id", *PROMOTION]
            last = session.find("promotions", fields, {}, order=["id"], descending=True, limit=1)
            assert last == [PROMOTION | {"id": 2, "version": 1, "forced": True}]
            assert session.find("chapters", [*CHAPTER], {"position": 1}) == [
                CHAPTER | {"position": 1}
            ]
            assert session.find("projects", ["name"], {"name": Prefix("p")}) == [{"name": "p0"}]
            assert session.find("projects", ["name"], {"name": Prefix("%")}) == []


def test_a_state_that_was_replaced_is_not_written_to_its_old_file(tmp_path: Path) -> None:
    file = tmp_path / "state.db"
    database = open_address(f"sqlite:///{file}")
    _add_project(database, "old", NOW)
    for part in tmp_path.iterdir():
        part.unlink()
    open_address(f"sqlite:///{file}")
    _add_project(database, "new", NOW)
    with open_address(f"sqlite:///{file}").read() as session:
        assert session.find("projects", ["name"], {}) == [{"name": "new"}]


def test_a_process_that_ended_left_one_file(tmp_path: Path) -> None:
    address = f"sqlite:///{tmp_path}/state.db"
    subprocess.run([sys.executable, "-c", WRITER, address, "one"], check=True)
    assert [file.name for file in tmp_path.iterdir()] == ["state.db"]


def _stamp(address: str, at: str, works_from: str) -> None:
    with open_address(address).write() as session:
        session.change("alembic_version", {}, {"version_num": at})
        session.change("compatibility", {}, {"works_from": works_from})


def _projects(database: Database) -> list[str]:
    with database.read() as session:
        return [row["name"] for row in session.find("projects", ["name"], {}, order=["name"])]


def _add_project(database: Database, name: str, at: datetime) -> None:
    with database.write() as session:
        session.insert("projects", {"name": name, "folder": "", "created_at": at})
