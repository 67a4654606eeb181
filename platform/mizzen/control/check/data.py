"""`mizzen check --data`: loads the source and holds it against the description.

The same functions as the `snapshot` step's, so that what passes here passes there; but each
fault is told, not only the first.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from mizzen.control.check.drift_windows import check_windows
from mizzen.control.check.finding import Finding, refused
from mizzen.control.check.monitoring import few_rows
from mizzen.control.check.numbers import odd_numbers
from mizzen.control.sources import pack_code
from mizzen.control.submit import PROJECT_DIR
from mizzen.control.workspace import Workspace
from mizzen.errors import MizzenError
from mizzen.spec.project import ProjectSpec

if TYPE_CHECKING:
    import pandas as pd


def check_data(workspace: Workspace) -> list[Finding]:
    """Columns, types, keys, instants and labels of the real data."""
    from mizzen_components.snapshot.load import load_tables
    from mizzen_components.snapshot.rows import check_columns, check_keys, rows_of

    data, label = workspace.spec.data, workspace.spec.label
    try:
        code = pack_code(workspace)
        with _project_dir(workspace.folder):
            rows = rows_of(load_tables(data, workspace.place, code), data)
        check_columns(rows, data, label)
    except MizzenError as error:
        return [refused("data", error)]
    found = _each(
        ("data.key", lambda: check_keys(rows, data)),
        ("data.event_time", lambda: _instants(rows, workspace.spec)),
    )
    found += [*_features(rows, workspace.spec), *_slices(rows, workspace.spec)]
    found += [*_labels(rows, workspace.spec), *check_windows(rows, workspace.spec)]
    sound = [Finding("ok", "data", f"{len(rows)} rows, {len(rows.columns)} columns")]
    return [
        *(found or sound),
        *odd_numbers(rows, workspace.spec.features),
        *few_rows(rows, workspace.spec),
    ]


@contextmanager
def _project_dir(folder: Path) -> Iterator[None]:
    before = os.environ.get(PROJECT_DIR)
    os.environ[PROJECT_DIR] = str(folder)
    try:
        yield
    finally:
        if before is None:
            del os.environ[PROJECT_DIR]
        else:
            os.environ[PROJECT_DIR] = before


def _each(*checks: tuple[str, Callable[[], object]]) -> list[Finding]:
    found = []
    for subject, check in checks:
        try:
            check()
        except MizzenError as error:
            found.append(refused(subject, error))
    return found


def _instants(rows: pd.DataFrame, spec: ProjectSpec) -> None:
    from mizzen_components.snapshot.instants import with_instants
    from mizzen_components.snapshot.window import Window, cut

    timed = with_instants(rows, spec.data, spec.label)
    cut(timed, spec.data.event_time, Window.of("", ""), datetime.now(UTC))


def _features(rows: pd.DataFrame, spec: ProjectSpec) -> list[Finding]:
    found = []
    for column in spec.features.columns:
        if column.name not in rows:
            known = ", ".join(map(str, rows.columns))
            message = f"no column {column.name!r} in the rows; they have: {known}"
            found.append(Finding("error", "features.columns", message, "mend the name"))
        elif column.kind == "number" and not _holds_numbers(rows[column.name]):
            message = f"{column.name!r} is declared a number but holds {rows[column.name].dtype}"
            hint = "declare `kind: category`, or mend the source"
            found.append(Finding("error", "features.columns", message, hint))
        elif rows[column.name].isna().all():
            message = f"{column.name!r} is null in every row"
            found.append(Finding("error", "features.columns", message, "mend the source"))
    for view in spec.features.used_views:
        missing = [name for name in view.entity if name not in rows]
        if missing:
            message = f"view {view.name!r}: the rows have no entity column {', '.join(missing)}"
            found.append(Finding("error", "features.views", message, "add it to the rows"))
    return found


def _holds_numbers(values: pd.Series[float]) -> bool:
    from pandas.api.types import is_bool_dtype, is_numeric_dtype

    return bool(is_numeric_dtype(values) or is_bool_dtype(values))


def _slices(rows: pd.DataFrame, spec: ProjectSpec) -> list[Finding]:
    of_views = {column.name for view in spec.features.views for column in view.columns}
    missing = [name for name in spec.evaluation.slices if name not in {*rows.columns, *of_views}]
    message = f"no column {', '.join(missing)} in the rows"
    return [Finding("error", "evaluation.slices", message, "mend the name")] if missing else []


def _labels(rows: pd.DataFrame, spec: ProjectSpec) -> list[Finding]:
    from mizzen_components.snapshot.labels import check_labels

    found = _each(("label", lambda: check_labels(rows, spec.data, spec.label)))
    labels = rows[spec.label.column].dropna()
    classes = labels.nunique()
    if spec.task != "regression" and classes == 1:
        message = f"{spec.label.column!r} has one class only: {labels.iloc[0]!r}"
        found.append(Finding("error", "label.column", message, "widen the data"))
    if spec.task == "binary" and classes > 2:
        message = f"{spec.label.column!r} has {classes} classes, a binary task has two"
        found.append(Finding("error", "label.column", message, "set `task: multiclass`"))
    return found
