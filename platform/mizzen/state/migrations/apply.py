"""Runs the migrations inside the caller's transaction. Imported only when there are any."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory

from mizzen.state.tables import compatibility

if TYPE_CHECKING:
    from sqlalchemy import Connection


def upgrade(connection: Connection) -> None:
    """Bring the tables to the newest version, and write down whom they serve."""
    configuration = _configuration()
    configuration.attributes["connection"] = connection
    command.upgrade(configuration, "head")
    connection.execute(compatibility.delete())
    connection.execute(compatibility.insert().values(works_from=works_from()))


def newest() -> str:
    """The newest migration in the folder."""
    found = _scripts().get_current_head()
    if found is None:
        raise AssertionError("a Mizzen without migrations")
    return found


def works_from() -> str:
    """The oldest code that works with the tables of the newest migration, as it declares."""
    return str(_scripts().get_revision(newest()).module.works_from)


def _scripts() -> ScriptDirectory:
    return ScriptDirectory.from_config(_configuration())


def _configuration() -> Config:
    configuration = Config()
    configuration.set_main_option("path_separator", "os")
    # the option is interpolated: a percent sign in a path would be read as a variable
    location = str(Path(__file__).parent).replace("%", "%%")
    configuration.set_main_option("script_location", location)
    return configuration
