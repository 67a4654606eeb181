"""The `features` step: what was known at each row's time, joined to the rows.

Second step after validation. The project's functions compute each view's history from the
tables; the feature store joins it point in time. What the functions return is checked here,
because a wrong table would otherwise surface as a puzzling feature.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from mizzen.adapters import bundle, table
from mizzen.adapters.tables import read_folder, read_table, write_table
from mizzen.core.place import Place
from mizzen.errors import InvalidProject
from mizzen.ports.data import FeatureSource
from mizzen.spec.data import Data
from mizzen.spec.features import Features, FeatureView
from mizzen_components.view_sources import checked

if TYPE_CHECKING:
    import pandas as pd


class FeaturesFigures(NamedTuple):
    """`version`: hash of the declaration of the views in use; "" where there are none."""

    rows: int
    views: int
    version: str


def run(
    *,
    tables: Path,
    code: str,
    data: dict[str, Any],
    features: dict[str, Any],
    label: dict[str, Any],
    frame: Path,
    sources: Path,
) -> FeaturesFigures:
    """Write `frame` (all columns of the rows, then the views') and `sources/<view>.parquet`.

    Args:
        label: not used; the label's columns are among the rows'.

    Raises:
        InvalidProject: a view's function is missing, raises, or returns no frame of its view.
        InvalidData: the rows lack what the views need.
        IntegrityError: the feature store lost or moved rows.
    """
    described = Data.model_validate(data)
    views = Features.model_validate(features).used_views
    rows = read_table(tables / f"{described.rows}.parquet")
    shutil.rmtree(sources, ignore_errors=True)  # of an attempt that was killed
    sources.mkdir(parents=True)
    version = ""
    if views:
        _check_names(rows, views)
        place = Place.from_environment()
        computed = _compute(views, bundle.open_code(place, code), read_folder(tables))
        for name, source in computed.items():
            write_table(source, sources / f"{name}.parquet")
        store: FeatureSource = table.load("feature_source", place.profile.feature_store.kind)(place)
        version = store.apply(views, computed)
        # the spec demands an event time wherever views are used
        rows = store.training_frame(rows, str(described.event_time), views)
    write_table(rows, frame)
    return FeaturesFigures(len(rows), len(views), version)


def _compute(
    views: Sequence[FeatureView], code: Path, tables: Mapping[str, pd.DataFrame]
) -> dict[str, pd.DataFrame]:
    computed = {}
    for view in views:
        function = bundle.load_function(code, view.source)
        # copies: what one function changes must not reach the next one
        given = {name: frame.copy() for name, frame in tables.items()}
        try:
            returned = function(given)
        except Exception as error:
            raise InvalidProject(
                f"{view.source} of the view {view.name!r} raised {type(error).__name__}: {error}",
                given="tables " + ", ".join(tables),
                next_step="mend the function",
            ) from error
        computed[view.name] = checked(view, returned)
    return computed


def _check_names(rows: pd.DataFrame, views: Sequence[FeatureView]) -> None:
    taken = [c.name for view in views for c in view.columns if c.name in rows.columns]
    if taken:
        raise InvalidProject(
            f"the rows already have columns named like features of views: {', '.join(taken)}",
            next_step="rename them in the view, or drop them from the rows",
        )
