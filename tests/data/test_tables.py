"""Tables between steps: bytes that follow from the content, and no half-written file."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from mizzen.adapters.tables import read_folder, read_table, write_table
from mizzen.errors import InvalidData


def content(frame: pd.DataFrame, folder: Path) -> bytes:
    write_table(frame, folder / "table.parquet")
    return (folder / "table.parquet").read_bytes()


@pytest.mark.parametrize(
    "change",
    [
        lambda f: f.assign(at=f["at"].dt.tz_convert("Asia/Tokyo")),
        lambda f: f.assign(at=f["at"].dt.as_unit("us")),
        lambda f: f.assign(carrier=f["carrier"].astype("category")),
        lambda f: f.assign(carrier=f["carrier"].astype("string")),
        lambda f: f.assign(late=f["late"].astype("Int64")),
        lambda f: f.set_index(np.arange(45) * 2),
    ],
    ids=["zone", "unit", "categories", "strings", "nullable integers", "index"],
)
def test_equal_content_gives_equal_bytes(trips: pd.DataFrame, tmp_path: Path, change: Any) -> None:
    assert content(change(trips), tmp_path) == content(trips, tmp_path)


def test_instants_come_back_in_utc_and_nulls_as_nulls(trips: pd.DataFrame, tmp_path: Path) -> None:
    write_table(trips.assign(at=trips["at"].dt.tz_convert("Asia/Tokyo")), tmp_path / "t")
    back = read_table(tmp_path / "t")
    assert str(back["at"].dtype) == "datetime64[us, UTC]"
    assert back["at"].tolist() == trips["at"].tolist()
    assert back["carrier"][7] is None
    assert np.isnan(back["distance"][5])


def test_a_folder_named_like_a_partition_adds_no_column(
    trips: pd.DataFrame, tmp_path: Path
) -> None:
    folder = tmp_path / "year=2024"
    content(trips, folder)
    assert list(read_folder(folder)["table"]) == list(trips)


def test_some_columns_can_be_read(trips: pd.DataFrame, tmp_path: Path) -> None:
    content(trips, tmp_path)
    assert list(read_table(tmp_path / "table.parquet", ["late", "trip"])) == ["late", "trip"]


@pytest.mark.parametrize(
    ("frame", "text"),
    [
        (pd.DataFrame({"x": [1, "a"]}), "column 'x' of table 'table' cannot be stored.*int, str"),
        (pd.DataFrame({"x": pd.to_timedelta([1], "s")}), r"cannot be stored.*total_seconds\(\)"),
        (pd.DataFrame([[1, 2]], columns=["x", "x"]), "two columns of one name.*given: x"),
        (pd.DataFrame({7: [1]}), "names are no text.*given: 7"),
    ],
    ids=["mixed", "duration", "twice", "number"],
)
def test_what_cannot_be_stored_is_told(frame: pd.DataFrame, text: str, tmp_path: Path) -> None:
    with pytest.raises(InvalidData, match=rf"(?s)^(?=.*next: ).*(?:{text})"):
        content(frame, tmp_path)
    assert not list(tmp_path.iterdir())


def test_a_full_disk_is_told_and_leaves_the_old_table(trips: pd.DataFrame, tmp_path: Path) -> None:
    before = content(trips, tmp_path)
    code = """
        import resource, sys
        from pathlib import Path
        import numpy as np, pandas as pd
        from mizzen.adapters.tables import write_table
        big = pd.DataFrame({"x": np.random.default_rng(0).random(500_000)})
        resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, 1_000_000))
        write_table(big, Path(sys.argv[1]))
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code), str(tmp_path / "table.parquet")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert "TemporaryError: no space to write table.parquet" in done.stderr
    assert "next: free space on that disk" in done.stderr
    assert [file.name for file in tmp_path.iterdir()] == ["table.parquet"]
    assert (tmp_path / "table.parquet").read_bytes() == before
