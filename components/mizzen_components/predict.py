"""Predict many rows with a registered version: the last step of `batch_inference`."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from mizzen.adapters import backends, bundle
from mizzen.adapters.files.model_folder import read_manifest
from mizzen.adapters.tables import read_table, write_table
from mizzen.core.manifest import BUNDLE
from mizzen.core.outputs import Floats, check_outputs
from mizzen.core.place import Place
from mizzen.errors import InvalidData
from mizzen.spec.project import ProjectSpec
from mizzen_components.champion_features import check_views
from mizzen_components.feature_records import read_records
from mizzen_components.model_rows import encode, prediction_frame, unknown_categories

if TYPE_CHECKING:
    import pandas as pd

Outside = Mapping[int, list[str]]


class PredictFigures(NamedTuple):
    """How many rows were answered. `unknown`: rows with a category that training never saw."""

    rows: int
    unknown: int


def run(
    *,
    frame: Path,
    model_version: int,
    project: dict[str, Any],
    predictions: Path,
    sources: Path | None = None,
) -> PredictFigures:
    """Write `predictions`: key, event time and answers, rows in the order of the frame.
    `unknown` names, for each row, its features that hold a category which training
    never saw; null where there is none.

    The version answers with its own encoder and its own code. `outside` names, by row, the
    numbers far outside what training saw, with commas between them; null where there are none.
    `sources` holds the records of the views that the frame was joined with.

    Raises:
        NotFound: no such version.
        InvalidProject: the features were computed by another version of a view than the model's.
        InvalidData: a column that the model needs is missing, or a number overflows in the model.
        StepFailed: the model answers with what no model may answer.
    """
    place, spec = Place.from_environment(os.environ), ProjectSpec.model_validate(project)
    registry = backends.load_backend("registry", "mlflow")(place)
    package = registry.fetch(spec.name, model_version, place.home / "packages")
    manifest, encoder = read_manifest(package)
    check_views(manifest.views, read_records(sources))
    code = bundle.unpack_file(package / BUNDLE, place.home / "code")
    framework = backends.load_backend("framework", manifest.framework)(place)
    predictor = framework.load(package, code, {"threads": spec.trainer.resources.cpu})
    rows = read_table(frame)
    encoded = encode(encoder, rows)
    unknown = unknown_categories(encoder, rows, encoded)
    outputs, outside = predictor.predict(encoded), encoder.outside(encoded)
    _check_overflow(rows, outputs, outside)
    check_outputs(outputs, manifest.task, len(rows), len(encoder.classes))
    _report(outside, len(rows))
    kept = [name for name in (*spec.data.key, spec.data.event_time) if name in rows.columns]
    answers = prediction_frame(rows[kept], manifest.task, outputs, encoder.classes)
    named = np.full(len(rows), None, dtype=object)
    for row, names in outside.items():
        named[row] = ", ".join(names)
    told = answers.assign(outside=named, unknown=unknown, model_version=model_version)
    write_table(told, predictions)
    return PredictFigures(len(rows), sum(names is not None for names in unknown.tolist()))


def _check_overflow(rows: pd.DataFrame, outputs: Floats, outside: Outside) -> None:
    """A row whose number overflows is the data's fault, and is named."""
    if len(outputs) != len(rows):
        return
    for row in np.flatnonzero(~np.isfinite(outputs.reshape(len(rows), -1)).all(axis=1)).tolist():
        if row in outside:
            name = outside[row][0]
            raise InvalidData(
                f"feature {name!r} lies so far outside what the model was trained on that it has "
                "no finite answer",
                given=f"{rows[name].iloc[row]} in row {row + 1}",
                next_step="fix the value or its unit, or make it null",
            )


def _report(outside: Outside, rows: int) -> None:
    counts = Counter(name for names in outside.values() for name in names)
    if counts:
        shown = ", ".join(f"{name} ({count})" for name, count in counts.most_common())
        print(f"{len(outside)} of {rows} rows: numbers far outside what training saw: {shown}")  # noqa: T201 (the step's log)
