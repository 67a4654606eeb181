"""What is stored is what has the digest of its submission, and nothing that changed meanwhile."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from mizzen.adapters import bundle
from mizzen.adapters.files.digests import state_of
from mizzen.core.place import Place
from mizzen.errors import InvalidData
from mizzen.spec.data import Data
from mizzen_components.snapshot import SnapshotFigures, load, run

LABEL = {"column": "late", "time": "known_at"}
RULES = {"key": ["trip"], "event_time": "at"}
FILE = {"source": {"path": "trips.parquet"}, **RULES}


def snapshot(
    tables: Path, data: dict[str, Any] | None = None, code: str = "", source_digest: str = ""
) -> SnapshotFigures:
    return run(
        code=code,
        data=FILE if data is None else data,
        label=LABEL,
        source_digest=source_digest,
        reading={},
        start="",
        end="",
        tables=tables,
    )


def refused(text: str) -> Any:
    return pytest.raises(InvalidData, match=rf"(?s)^(?=.*next: ).*(?:{text})")


@pytest.fixture
def tables(in_step: Place, tmp_path: Path) -> Path:
    return tmp_path / "tables"


@pytest.fixture
def write(project: Path, trips: pd.DataFrame) -> Any:
    """Writes the trips, changed, as the project's file."""
    return lambda **columns: trips.assign(**columns).to_parquet(project / "trips.parquet")


@pytest.fixture(params=["appended", "exchanged and put back", "rewritten in place", "removed"])
def disturb(request: pytest.FixtureRequest, project: Path) -> Any:
    """Something happens to the file while it is read."""
    file = project / "trips.parquet"

    def change() -> None:
        content = file.read_bytes()
        if request.param == "exchanged and put back":
            file.rename(project / "aside")
            file.write_bytes(b"other")
            (project / "aside").replace(file)
        elif request.param == "removed":
            file.unlink()
        else:
            stat = file.stat()
            file.write_bytes(content + (b"x" if request.param == "appended" else b""))
            os.utime(file, ns=(stat.st_atime_ns, stat.st_mtime_ns))

    return change


def test_a_file_that_changes_while_it_is_read_is_refused(
    tables: Path, write: Any, monkeypatch: pytest.MonkeyPatch, disturb: Any
) -> None:
    write()
    read = load.read_files

    def slow(*arguments: Any) -> pd.DataFrame:
        frame = read(*arguments)
        disturb()
        return frame

    monkeypatch.setattr(load, "read_files", slow)
    with refused("changed while it was read"):
        snapshot(tables)
    assert not tables.exists()


def test_a_file_that_is_half_written_is_told_as_one_that_changes(
    tables: Path, write: Any, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write()
    read = load.read_files

    def slow(*arguments: Any) -> pd.DataFrame:
        (project / "trips.parquet").write_bytes(b"half")
        return read(*arguments)

    monkeypatch.setattr(load, "read_files", slow)
    with refused("changed while it was read"):
        snapshot(tables)


def test_another_file_than_the_submission_saw_is_refused(
    tables: Path, write: Any, project: Path, in_step: Place
) -> None:
    write()
    source = Data.model_validate(FILE).source
    digest = state_of(source, project, in_step.home).digest
    assert snapshot(tables, source_digest=digest).rows == 45
    write(distance=1.0)
    with refused("changed since the run was submitted"):
        snapshot(tables, source_digest=digest)


def test_a_function_s_inputs_are_watched_too(
    tables: Path, project: Path, in_step: Place, trips: pd.DataFrame
) -> None:
    (project / "factor.txt").write_text("1")
    trips.to_parquet(project / "trips.parquet")
    (project / "data.py").write_text(
        "import pandas as pd\n"
        "def load():\n"
        "    frame = pd.read_parquet('trips.parquet')\n"
        "    with open('factor.txt', 'w') as file:\n"
        "        file.write('2')\n"
        "    return frame\n"
    )
    code = bundle.pack(project, bundle.store_of(in_step))
    source = {"python": "data:load", "inputs": ["*.parquet", "factor.txt"]}
    with refused(r"changed while it was read.*factor\.txt"):
        snapshot(tables, {"source": source, **RULES}, code=code)
