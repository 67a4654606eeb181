"""The home's MLflow database appears whole or not at all, and an unfinished one is no dead end."""

from __future__ import annotations

import os
import re
import resource
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest

from mizzen.adapters.mlflow import connection
from mizzen.adapters.mlflow.database import ensure
from mizzen.adapters.mlflow.registry import MLflowRegistry
from mizzen.core.place import Place
from mizzen.errors import IntegrityError, TemporaryError, UserError

from .conftest import a_place

# Makes the file from a whole one instead of by MLflow's migrations, and dies on the way.
DIES = """
import os, shutil, signal, sys
from pathlib import Path
from mizzen.adapters.mlflow import database

def die(*_):
    os.kill(os.getpid(), signal.SIGKILL)

def create(file, artifacts):
    whole = Path(sys.argv[2]).read_bytes()
    file.write_bytes(whole[: len(whole) // 2] if sys.argv[3] == "halfway" else whole)
    Path(f"{file}-journal").write_bytes(b"of an open transaction")
    if sys.argv[3] == "halfway":
        die()
    Path(f"{file}-journal").unlink()

database._create_tables = create
if sys.argv[3] != "halfway":
    setattr(database, sys.argv[3], die)
database.ensure(Path(sys.argv[1]), Path("artifacts"))
"""


def unfinished(database: Path, file: Path) -> Path:
    """What an earlier Mizzen left when it was killed while MLflow migrated in place."""
    file.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(database, file)
    with closing(sqlite3.connect(file)) as opened, opened:
        opened.execute("DELETE FROM experiments")
        opened.execute("DROP TABLE inputs")
        opened.execute("UPDATE alembic_version SET version_num = '0a8213491aaa'")
    return file


def open_up(file: Path) -> bool:
    """Whether MLflow's own first experiment is in it."""
    with closing(sqlite3.connect(file)) as opened:
        return opened.execute("SELECT count(*) FROM experiments").fetchone() == (1,)


@pytest.mark.parametrize("moment", ["halfway", "_fold_log", "_remove_logs"])
def test_a_kill_while_the_database_is_made_leaves_nothing_under_its_name(
    database: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    file = tmp_path / "home" / "mlflow.db"
    words = [sys.executable, "-c", DIES, str(file), str(database), moment]
    assert subprocess.run(words, check=False).returncode == -signal.SIGKILL
    assert not file.exists()
    monkeypatch.setattr(
        "mizzen.adapters.mlflow.database._create_tables",
        lambda fresh, artifacts: shutil.copyfile(database, fresh),
    )
    ensure(file, tmp_path)
    assert open_up(file)
    assert [path.name for path in file.parent.iterdir() if "new" in path.name] == []


def test_a_database_that_an_earlier_kill_left_unfinished_is_made_again_and_kept_aside(
    database: Path, tmp_path: Path
) -> None:
    home = tmp_path / "home"
    half = unfinished(database, home / "mlflow.db").read_bytes()
    assert connection.connect(a_place(home)).search_experiments()
    assert (home / "mlflow.db.unfinished").read_bytes() == half


@pytest.mark.parametrize("content", [b"", None])
def test_an_empty_file_counts_as_unfinished(
    database: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes | None
) -> None:
    file = tmp_path / "mlflow.db"
    if content is None:
        with closing(sqlite3.connect(file)) as opened, opened:
            opened.execute("CREATE TABLE alembic_version (version_num VARCHAR)")
    else:
        file.write_bytes(content)
    monkeypatch.setattr(
        "mizzen.adapters.mlflow.database._create_tables",
        lambda fresh, artifacts: shutil.copyfile(database, fresh),
    )
    ensure(file, tmp_path)
    assert open_up(file)


def test_a_database_that_holds_anything_is_never_replaced(database: Path, tmp_path: Path) -> None:
    """Of an older MLflow, or with every experiment removed by `mlflow gc`."""
    file = tmp_path / "mlflow.db"
    for change in (
        "UPDATE alembic_version SET version_num = '0a8213491aaa'",
        "DELETE FROM experiments",
    ):
        shutil.copyfile(database, file)
        with closing(sqlite3.connect(file)) as opened, opened:
            opened.execute(
                "INSERT INTO registered_models (name, creation_time, workspace)"
                " VALUES ('rides', 1, 'default')"
            )
            opened.execute(change)
        before = file.read_bytes()
        ensure(file, tmp_path)
        assert file.read_bytes() == before
        assert not list(tmp_path.glob("*.unfinished"))


def test_a_database_that_is_damaged_is_named_and_not_touched(tmp_path: Path) -> None:
    file = tmp_path / "mlflow.db"
    file.write_bytes(b"not a database at all" * 1000)
    with pytest.raises(IntegrityError, match=r"damaged(.|\n)*backup"):
        ensure(file, tmp_path)
    assert file.read_bytes() == b"not a database at all" * 1000


def test_a_full_disk_leaves_no_database_and_the_next_connection_makes_one(tmp_path: Path) -> None:
    place = a_place(tmp_path / "home")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, hard))
    try:
        with pytest.raises(TemporaryError, match=r"room(.|\n)*resume"):
            connection.connect(place)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert [file.name for file in place.home.iterdir() if file.suffix != ".lock"] == []
    assert connection.connect(place).search_experiments()


@pytest.mark.slow
def test_a_file_that_mlflow_itself_left_when_it_was_killed_is_made_again(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    file = home / "mlflow.db"
    code = (
        "import sys; from mlflow.tracking import MlflowClient; "
        "MlflowClient(tracking_uri=sys.argv[1]).search_experiments()"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code, f"sqlite:///{file}"], stderr=subprocess.DEVNULL
    )
    while process.poll() is None and (not file.exists() or file.stat().st_size < 200_000):
        time.sleep(0.005)
    process.kill()
    assert process.wait() == -signal.SIGKILL
    assert connection.connect(a_place(home)).search_experiments()
    assert (home / "mlflow.db.unfinished").exists()


def test_an_experiment_deleted_in_its_page_comes_back_by_the_command_in_the_error(
    place: Place, tmp_path: Path
) -> None:
    package = tmp_path / "package"
    package.mkdir()
    (package / "model.txt").write_text("weights")
    client = connection.connect(place)
    client.delete_experiment(connection.experiment(client, place))
    registry = MLflowRegistry(place)
    with pytest.raises(UserError, match="experiment 'rides' was deleted") as caught:
        registry.register("rides", package, "run-1", {}, {}, {})
    command = re.sub(r"^.*?(?=MLFLOW_TRACKING_URI)", "", str(caught.value.next_step))
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    subprocess.run(command, shell=True, check=True, env={**os.environ, "PATH": path})  # noqa: S602
    assert connection.experiment(client, place)


def test_a_password_is_not_in_the_command_that_restores_an_experiment(tmp_path: Path) -> None:
    place = a_place(tmp_path, tracking={"uri": "http://ann:hunter2@mlflow.example:5000"})
    told = str(connection._deleted(place, "3"))
    assert "hunter2" not in told
    assert "http://mlflow.example:5000" in told


@pytest.mark.parametrize("name", ["victim/model", "home/mlartifacts/../../victim/model", "link/x"])
def test_a_folder_outside_of_the_artifacts_is_never_replaced(tmp_path: Path, name: str) -> None:
    place = a_place(tmp_path / "home")
    (place.home / "mlartifacts").mkdir(parents=True)
    kept = tmp_path / "victim" / "model"
    kept.mkdir(parents=True)
    (kept / "precious").write_text("kept")
    (place.home / "mlartifacts" / "link").symlink_to(tmp_path / "victim")
    uri = f"file://{tmp_path}/{name}".replace(
        "/link/x", "/".join(["", "home", "mlartifacts", "link", "model"])
    )
    with pytest.raises(IntegrityError, match="outside of the home's artifacts"):
        MLflowRegistry(place)._put(tmp_path / "victim", uri)
    assert (kept / "precious").read_text() == "kept"
