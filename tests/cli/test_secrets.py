"""A password in a profile's address is neither shown nor kept; a home is for its owner alone."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from mizzen.adapters.backends import load_backend
from mizzen.control.doctor import examine
from mizzen.control.scaffold import create
from mizzen.control.workspace import open_workspace
from mizzen.errors import MizzenError
from mizzen_tests.mlflow_server import mlflow_serving

Mizzen = Callable[..., subprocess.CompletedProcess[str]]
PLANTED = "pl4nted-Passw0rd"
HEAD = "apiVersion: mizzen.dev/v1\nkind: Profile\nserving: {port: 0}\n"


@pytest.fixture(scope="module")
def mlflow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with mlflow_serving(tmp_path_factory.mktemp("mlflow")) as address:
        yield address.replace("://", f"://me:{PLANTED}@")


def holding(folder: Path) -> list[Path]:
    """Files that hold the planted password."""
    planted = PLANTED.encode()
    return [f for f in folder.rglob("*") if f.is_file() and planted in f.read_bytes()]


def open_to_others(folder: Path) -> list[str]:
    return [str(f) for f in folder.rglob("*") if not f.is_symlink() and f.stat().st_mode & 0o077]


def test_a_password_of_the_tracking_server_is_neither_shown_nor_kept(
    mizzen: Mizzen, shop: Path, mlflow: str
) -> None:
    (shop / "profiles" / "team.yaml").write_text(f"{HEAD}tracking: {{uri: '{mlflow}'}}\n")
    told = ""
    for words in ("run", "doctor", "models list", "up", "down"):
        done = mizzen(*words.split(), "--profile", "team", cwd=shop)
        assert done.returncode == 0, done.stdout + done.stderr
        told += done.stdout + done.stderr
    assert PLANTED not in told
    assert mlflow.rpartition("@")[2] in told  # the address itself is shown
    assert holding(shop / ".mizzen") == []
    assert (shop / ".mizzen").stat().st_mode & 0o777 == 0o700
    assert open_to_others(shop / ".mizzen") == []


AWAY = {
    "state": f"state: postgresql+psycopg://me:{PLANTED}@127.0.0.1:1/state",
    "no state": f"state: nosuch://me:{PLANTED}@127.0.0.1/state",
    "control": f"control: {{url: 'http://me:{PLANTED}@127.0.0.1:1'}}",
    "data": f"data_store: {{url: 'nosuch://me:{PLANTED}@127.0.0.1:1/x'}}",
    "predictions": f"prediction_log: {{url: 's3://me:{PLANTED}@bucket/x'}}",
    "a wrong field": f"tracking: {{url: 'http://me:{PLANTED}@127.0.0.1:1', uri: 5}}",
}


@pytest.mark.parametrize("section", AWAY.values(), ids=AWAY)
def test_a_password_is_not_shown_where_an_address_leads_nowhere(
    tmp_path: Path, section: str
) -> None:
    folder, tables = create(tmp_path / "shop"), tmp_path / "tables"
    tables.mkdir()
    (tables / "rows.csv").write_text("a\n1\n")
    (folder / "profiles" / "away.yaml").write_text(f"{HEAD}{section}\n")
    told: list[object] = []
    with _kept(told):
        workspace = open_workspace(folder, "away")
        told += examine(workspace)
        url = workspace.place.profile.prediction_log.url
        load_backend("prediction_log", "segments" if url is None else "shipped")(workspace.place)
        with _kept(told):
            load_backend("data_versions", "dvc")(workspace.place).snapshot(tables)
    assert PLANTED not in str(told)
    assert holding(folder / ".mizzen") == []


@contextmanager
def _kept(told: list[object]) -> Iterator[None]:
    try:
        yield
    except MizzenError as error:
        told += [str(error), error.as_dict()]


def test_a_home_that_others_may_look_into_is_reported_and_closed(
    mizzen: Mizzen, shop: Path
) -> None:
    assert mizzen("runs", "list", cwd=shop).returncode == 0
    home = shop / ".mizzen"
    home.chmod(0o755)
    told = mizzen("doctor", cwd=shop).stdout
    assert f"others on this machine may look into {home}" in told
    assert "next: chmod 700" in told
    home.chmod(0o755)
    assert mizzen("runs", "list", cwd=shop).returncode == 0
    assert home.stat().st_mode & 0o777 == 0o700


def test_a_folder_that_is_no_home_keeps_its_mode(mizzen: Mizzen, shop: Path) -> None:
    open_folder = shop / "others"
    open_folder.mkdir(mode=0o755)
    (open_folder / "a.txt").write_text("somebody's")
    (shop / "profiles" / "local.yaml").write_text(f"{HEAD}home: others\n")
    assert mizzen("runs", "list", cwd=shop).returncode == 0
    assert open_folder.stat().st_mode & 0o777 == 0o755
