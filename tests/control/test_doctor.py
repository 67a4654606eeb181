"""What `mizzen doctor` reports about a home."""

from __future__ import annotations

import sqlite3

from mizzen.control.doctor import Diagnosis, examine
from mizzen.control.workspace import Workspace


def found(workspace: Workspace, subject: str) -> list[Diagnosis]:
    return [diagnosis for diagnosis in examine(workspace) if diagnosis.subject == subject]


def test_a_half_made_database_is_reported(workspace: Workspace) -> None:
    assert found(workspace, "registry") == []
    with sqlite3.connect(workspace.place.home / "mlflow.db") as database:
        database.execute("CREATE TABLE experiments (id)")
    (told,) = found(workspace, "registry")
    assert (told.level, "is half made" in told.found) == ("warning", True)
    assert told.fix == "nothing to do: the next run makes it anew"
    (workspace.place.home / "mlflow.db").write_text("no database")
    (told,) = found(workspace, "registry")
    assert told.level == "error"
