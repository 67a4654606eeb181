"""Runs the migrations inside the caller's transaction. Imported only when there are any."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory

if TYPE_CHECKING:
    from sqlalchemy import Connection


def upgrade(connection: Connection) -> None:
    """Bring the tables to the newest version."""
    configuration = _configuration()
    configuration.attributes["connection"] = connection
    command.upgrade(configuration, "head")


def newest() -> str | None:
    """The newest migration in the folder."""
    return ScriptDirectory.from_config(_configuration()).get_current_head()


def _configuration() -> Config:
    configuration = Config()
    configuration.set_main_option("path_separator", "os")
    # the option is interpolated: a percent sign in a path would be read as a variable
    location = str(Path(__file__).parent).replace("%", "%%")
    configuration.set_main_option("script_location", location)
    return configuration
