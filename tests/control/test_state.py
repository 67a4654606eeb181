"""The state survives kills, serves two processes at once, and knows its own tables."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import insert, select, text

from mizzen.control.state import tables
from mizzen.control.state.database import HEAD, Database, open_address
from mizzen.control.state.migrations.apply import newest
from mizzen.errors import IntegrityError, UserError

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


@pytest.fixture
def address(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/a%20state.db"


def test_migrations_make_the_tables_that_the_code_uses(address: str) -> None:
    with open_address(address).read() as connection:
        context = MigrationContext.configure(connection)
        assert compare_metadata(context, tables.metadata) == []
    assert newest() == HEAD


def test_opening_again_needs_no_migration_library(address: str) -> None:
    open_address(address)
    code = (
        "import sys; from mizzen.control.state.database import open_address; "
        "open_address(sys.argv[1]); print('alembic' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, address], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "False"


def test_a_state_of_a_newer_mizzen_is_refused(address: str) -> None:
    with open_address(address).write() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(IntegrityError, match="newer Mizzen"):
        open_address(address)


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
    with database.read() as connection:
        found = connection.execute(select(tables.projects.c.created_at)).scalar()
    assert found == NOW
    assert found is not None
    assert found.tzinfo is not None


def test_a_transaction_is_all_or_nothing(address: str) -> None:
    database = open_address(address)
    with pytest.raises(ZeroDivisionError), database.write() as connection:
        connection.execute(insert(tables.projects).values(name="a", folder="", created_at=NOW))
        raise ZeroDivisionError
    with database.read() as connection:
        assert connection.execute(select(tables.projects)).all() == []


WRITER = """
import sys
from datetime import UTC, datetime
from sqlalchemy import insert
from mizzen.control.state import tables
from mizzen.control.state.database import open_address
database = open_address(sys.argv[1])
for number in range(60):
    with database.write() as connection:
        connection.execute(insert(tables.projects).values(
            name=f"{sys.argv[2]}-{number}", folder="", created_at=datetime.now(UTC)))
"""


def test_processes_that_open_and_write_at_once_lose_nothing(address: str) -> None:
    writers = [
        subprocess.Popen([sys.executable, "-c", WRITER, address, name], stderr=subprocess.PIPE)
        for name in ("one", "two", "three")
    ]
    for writer in writers:
        _, told = writer.communicate(timeout=120)
        assert writer.returncode == 0, told.decode()
    with open_address(address).read() as connection:
        assert len(connection.execute(select(tables.projects)).all()) == 180


def test_a_reader_does_not_wait_for_a_writer(address: str) -> None:
    database = open_address(address)
    with database.write() as writing:
        writing.execute(insert(tables.projects).values(name="a", folder="", created_at=NOW))
        with database.read() as reading:
            assert reading.execute(select(tables.projects)).all() == []


def _add_project(database: Database, name: str, at: datetime) -> None:
    with database.write() as connection:
        connection.execute(insert(tables.projects).values(name=name, folder="", created_at=at))
