"""Predict many rows with a registered version: the last step of `batch_inference`."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

from mizzen.adapters import bundle, table
from mizzen.adapters.tables import read_table, write_table
from mizzen.core.manifest import BUNDLE, read_manifest
from mizzen.core.outputs import check_outputs
from mizzen.core.place import Place
from mizzen.spec.project import ProjectSpec
from mizzen_components.model_rows import encode, prediction_frame


class PredictFigures(NamedTuple):
    """How many rows were answered."""

    rows: int


def run(
    *, frame: Path, model_version: int, project: dict[str, Any], predictions: Path
) -> PredictFigures:
    """Write `predictions`: key, event time and answers, rows in the order of the frame.

    The version answers with its own encoder and its own code.

    Raises:
        NotFound: no such version.
        InvalidData: a column that the model needs is missing.
        StepFailed: the model answers with what no model may answer.
    """
    place, spec = Place.from_environment(), ProjectSpec.model_validate(project)
    registry = table.load("registry", "mlflow")(place)
    package = registry.fetch(spec.name, model_version, place.home / "packages")
    manifest, encoder = read_manifest(package)
    code = bundle.unpack_file(package / BUNDLE, place.home / "code")
    framework = table.load("framework", manifest.framework)(place)
    predictor = framework.load(package, code, {"threads": spec.trainer.resources.cpu})
    rows = read_table(frame)
    outputs = predictor.predict(encode(encoder, rows))
    check_outputs(outputs, manifest.task, len(rows), len(encoder.classes))
    kept = [name for name in (*spec.data.key, spec.data.event_time) if name in rows.columns]
    answers = prediction_frame(rows[kept], manifest.task, outputs, encoder.classes)
    write_table(answers.assign(model_version=model_version), predictions)
    return PredictFigures(len(rows))
