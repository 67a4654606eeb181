"""Computing a registered version's features anew, by its own code, from today's data.

A training run does so for the newest code only. After a rollback nobody would: the older version's
values would age until all of its features are missing.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from mizzen.adapters import bundle
from mizzen.control.backends import feature_source, version_of
from mizzen.control.models.registered import project_of
from mizzen.control.source_rows import in_project, read_source
from mizzen.control.workspace import Workspace
from mizzen.ports.data import DeclaredView

if TYPE_CHECKING:
    import pandas as pd


def refresh(workspace: Workspace, version: int | None, now: datetime) -> list[DeclaredView]:
    """Declare new histories of a version's (the champion's) views, and load them online as known
    at `now`; the views, as they are then in the feature store.

    Raises:
        NotFound: no such version, or no champion.
        InvalidProject: a view cannot be computed any more as it was for this version.
        InvalidData: the data does not fit that version's description.
    """
    from mizzen_components.champion_features import check_version
    from mizzen_components.view_values import compute

    registered = project_of(workspace, version_of(workspace, version))
    views, place = registered.views, workspace.place
    if not views:
        return []
    found = read_source(registered.workspace, registered.code)
    code = bundle.open_code(place, registered.code)
    with in_project(workspace.folder):
        computed = compute(views, code, _stored(found.tables), place)
    for wanted, one in zip(views, computed, strict=True):
        check_version(wanted.name, wanted.record(), one.view.record())
    source = feature_source(place)
    source.apply(views, {one.view.name: one.values for one in computed})
    source.materialize(views, now)
    wanted_versions = {(view.name, view.version) for view in views}
    return [one for one in source.declared() if (one.view, one.version) in wanted_versions]


def _stored(tables: Mapping[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
    """The tables as the features step reads them, out of files."""
    from mizzen.adapters.tables import read_folder, write_table

    with tempfile.TemporaryDirectory(prefix="mizzen-tables-") as folder:
        for name, frame in tables.items():
            write_table(frame, Path(folder) / f"{name}.parquet")
        return read_folder(Path(folder))
