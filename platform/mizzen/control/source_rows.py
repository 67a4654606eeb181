"""A project's data in this process, read and checked as the snapshot step does.

`mizzen check --data` looks at it, `mizzen features refresh` computes views from it. Nothing is
stored.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from mizzen.control.runs.submit import PROJECT_DIR
from mizzen.control.workspace import Workspace
from mizzen.spec.reading import reading_of

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True)
class SourceRows:
    """`rows`: checked, every declared column in its form; `tables`: all of the source, `rows`
    among them; `types`: what columns of names were in the source."""

    rows: pd.DataFrame
    tables: Mapping[str, pd.DataFrame]
    types: Mapping[str, str]


def read_source(workspace: Workspace, code: str) -> SourceRows:
    """The whole data of the described project, by the code of this bundle.

    Raises:
        MizzenError: what the snapshot step would refuse.
    """
    from mizzen_components.snapshot import checked_rows
    from mizzen_components.snapshot.load import load_tables
    from mizzen_components.snapshot.read import named_rows, source_types
    from mizzen_components.snapshot.rows import rows_of
    from mizzen_components.snapshot.window import Window

    spec = workspace.spec
    with in_project(workspace.folder):
        tables = load_tables(spec.data, workspace.place, code)
    given, reading = named_rows(rows_of(tables, spec.data), spec.data), reading_of(spec)
    everything, now = Window.of("", ""), datetime.now(UTC)
    rows = checked_rows(given, spec.data, spec.label, reading, everything, now)
    return SourceRows(rows, {**tables, spec.data.rows: rows}, source_types(given, reading))


@contextmanager
def in_project(folder: Path) -> Iterator[None]:
    """The project's code finds its files while the context lasts."""
    before = os.environ.get(PROJECT_DIR)
    os.environ[PROJECT_DIR] = str(folder)
    try:
        yield
    finally:
        if before is None:
            del os.environ[PROJECT_DIR]
        else:
            os.environ[PROJECT_DIR] = before
