"""The `features` step: what was known at each row's time, joined to the rows.

Second step after validation. The project's functions compute each view's history from the
tables; the feature store joins it point in time. What the functions return is checked here,
because a wrong table would otherwise surface as a puzzling feature.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from mizzen.adapters import backends, bundle
from mizzen.adapters.feast.join import join
from mizzen.adapters.tables import read_folder, read_table, read_types, write_table
from mizzen.core.place import Place
from mizzen.core.views import version_of
from mizzen.errors import InvalidProject
from mizzen.ports.data import FeatureSource
from mizzen.spec.data import Data
from mizzen.spec.features import Features, FeatureView
from mizzen_components.entity_match import check_entities
from mizzen_components.feature_records import write_records
from mizzen_components.view_values import ViewValues, compute

if TYPE_CHECKING:
    import pandas as pd


class FeaturesFigures(NamedTuple):
    """`version`: of the views in use; "" where there are none."""

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
    declare: bool = True,
    inputs_digest: str = "",
) -> FeaturesFigures:
    """Write `frame` (all columns of the rows, then the views'), `sources/<view>.parquet` and
    `sources/views.json`: view name -> its version, code, files, and its history's digest.

    Args:
        label: not used; the label's columns are among the rows'.
        declare: make these histories the present ones of their views; otherwise nothing is
            changed outside of the outputs.
        inputs_digest: not used; it makes the step run again when a file has changed that the
            project lists, whoever reads it.

    Raises:
        InvalidProject: a view's function is missing, raises, or returns no frame of its view.
        InvalidData: the rows lack what the views need, or name entities in another way.
        IntegrityError: the feature store lost or moved rows.
    """
    described = Data.model_validate(data)
    views = Features.model_validate(features).used_views
    rows_file = tables / f"{described.rows}.parquet"
    rows = read_table(rows_file)
    shutil.rmtree(sources, ignore_errors=True)  # of an attempt that was killed
    sources.mkdir(parents=True)
    place, computed = Place.from_environment(os.environ), list[ViewValues]()
    histories: Mapping[str, str] = {}
    if views:
        check_names(rows, views)
        computed = compute(views, bundle.open_code(place, code), read_folder(tables), place)
        for one in computed:
            write_table(one.values, sources / f"{one.view.name}.parquet")
            for sentence in check_entities(one.view, rows, one.values):
                print(sentence, flush=True)  # noqa: T201 (the step's log)
        # the spec demands an event time wherever views are used
        rows, histories = _joined(place, rows, str(described.event_time), computed, declare)
    write_table(rows, frame, types=read_types(rows_file))
    known = [one.view for one in computed]
    write_records(sources, known, histories)
    return FeaturesFigures(len(rows), len(views), version_of(known))


def _joined(
    place: Place, rows: pd.DataFrame, event_time: str, computed: list[ViewValues], declare: bool
) -> tuple[pd.DataFrame, Mapping[str, str]]:
    views, values = [one.view for one in computed], {one.view.name: one.values for one in computed}
    if not declare:
        return join(rows, event_time, views, values), {}
    store: FeatureSource = backends.load_backend(
        "feature_source", place.profile.feature_store.kind
    )(place)
    histories = store.apply(views, values)
    return store.training_frame(rows, event_time, views), histories


def check_names(rows: pd.DataFrame, views: Sequence[FeatureView]) -> None:
    """No feature of a view has the name of a column of the rows.

    Raises:
        InvalidProject: naming all that have.
    """
    taken = [c.name for view in views for c in view.columns if c.name in rows.columns]
    if taken:
        raise InvalidProject(
            f"the rows already have columns named like features of views: {', '.join(taken)}",
            next_step="rename them in the view, or drop them from the rows",
        )
