"""`python -m mizzen.api.reference [FOLDER]` writes the OpenAPI description (`make generate`)."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from mizzen.api.app import create_app
from mizzen.api.settings import ModelServices, Settings, Tokens
from mizzen.state.database import Database
from mizzen.state.sql_state import SqlState
from mizzen.state.sqlalchemy_store import ServerStore

FILE = Path("docs/reference/control-api.openapi.json")


def description() -> dict[str, Any]:
    """The API as OpenAPI; no database is opened for it."""
    settings = Settings(Tokens("unused"), ModelServices("http://{model}", ""))
    app = create_app(SqlState(Database(ServerStore("sqlite://"))), settings)
    found: dict[str, Any] = app.openapi()
    return found


def write(folder: Path = FILE.parent) -> Path:
    """Write it into `folder`."""
    file = folder / FILE.name
    file.write_text(f"{json.dumps(description(), indent=1, sort_keys=True)}\n", encoding="utf-8")
    return file


if __name__ == "__main__":
    write(*map(Path, sys.argv[1:2]))
