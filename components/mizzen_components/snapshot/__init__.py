"""The `snapshot` step: the project's tables, checked, cut to a window and kept for ever.

First step of every pipeline. What it writes is what all others read, so everything that can
be wrong with rows as such is told here: names, keys, instants, labels. Rows are sorted by
event time and key: the same rows in another order are the same version.
"""

from __future__ import annotations

import os
import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from mizzen.adapters import backends
from mizzen.adapters.tables import write_table
from mizzen.core.place import Place
from mizzen.ports.data import DataVersions
from mizzen.spec.data import Data, Label
from mizzen.spec.reading import Reading
from mizzen_components.snapshot.faults import Faults, one_of
from mizzen_components.snapshot.instants import absent_instants
from mizzen_components.snapshot.labels import check_labels
from mizzen_components.snapshot.load import as_submitted, load_tables
from mizzen_components.snapshot.read import (
    columns_read,
    instants_read,
    named_rows,
    source_types,
)
from mizzen_components.snapshot.rows import check_columns, check_keys, rows_of, sorted_rows
from mizzen_components.snapshot.window import Window, cut

if TYPE_CHECKING:
    import pandas as pd

NOW = "MIZZEN_NOW"


class SnapshotFigures(NamedTuple):
    """`version`: DVC's hash of the tables. `unlabelled`: rows whose label is null."""

    version: str
    rows: int
    unlabelled: int


def run(
    *,
    code: str,
    data: dict[str, Any],
    label: dict[str, Any],
    reading: dict[str, Any],
    source_digest: str,
    start: str,
    end: str,
    tables: Path,
) -> SnapshotFigures:
    """Load, check, cut and store the project's tables.

    Args:
        source_digest: of what the source reads, as the run's submission saw it; "" for none.
        label: the project's label, or `{}` where rows to predict have none.
        reading: which columns are numbers, instants and names (`mizzen.spec.reading`).
        start, end: instants with zone; half open on the event time; "" is unbounded.
        tables: the folder to make, one `<table>.parquet` per table.

    Raises:
        InvalidData: the tables do not fit the description, or what they are read from changed
            since the submission or meanwhile; nothing is stored.
        InvalidProject: the source is not what it must be.
    """
    described, place = Data.model_validate(data), Place.from_environment(os.environ)
    with as_submitted(described, place, source_digest):
        found = load_tables(described, place, code)
    labelled = Label.model_validate(label) if label else None
    read = Reading.model_validate(reading)
    given = named_rows(rows_of(found, described), described)
    rows = checked_rows(given, described, labelled, read, Window.of(start, end), now())
    shutil.rmtree(tables, ignore_errors=True)  # of an attempt that was killed
    for name, frame in found.items():
        if name != described.rows:
            write_table(frame, tables / f"{name}.parquet")
    types = source_types(given, read, labelled)
    write_table(rows, tables / f"{described.rows}.parquet", types=types)
    versions: DataVersions = backends.load_backend("data_versions", "dvc")(place)
    unlabelled = int(rows[labelled.column].isna().sum()) if labelled else 0
    return SnapshotFigures(versions.snapshot(tables), len(rows), unlabelled)


def checked_rows(
    rows: pd.DataFrame,
    data: Data,
    label: Label | None,
    reading: Reading,
    window: Window,
    now: datetime,
) -> pd.DataFrame:
    """The rows of the window, every declared column in its form. `mizzen check --data` calls it
    too, so that it says what the step says.

    Raises:
        InvalidData: the rows do not fit the description.
    """
    check_columns(rows, data, label, reading)
    # a plain index: the number that an error shows is the row's place in the table
    rows, faults = instants_read(rows.reset_index(drop=True), reading)
    faults |= absent_instants(rows, data, label, faults)
    rows = columns_read(_inside(rows, data, window, now, faults), data, reading, faults)
    check_keys(rows, data)
    if label is not None:
        check_labels(rows, data, label)
    return sorted_rows(rows, data)


def _inside(
    rows: pd.DataFrame, data: Data, window: Window, now: datetime, faults: Faults
) -> pd.DataFrame:
    """The rows of the window; where their event times cannot be read, all of an unbounded one."""
    if data.event_time not in faults:
        return cut(rows, data.event_time, window, now)
    if window.start is not None or window.end is not None:
        raise one_of(faults, rows)  # nobody knows which rows' other columns matter
    return rows


def now() -> datetime:
    """The runner's clock: `MIZZEN_NOW` where it passes one, else this machine's."""
    text = os.environ.get(NOW)
    return datetime.fromisoformat(text) if text else datetime.now(UTC)
