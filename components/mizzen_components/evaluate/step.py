"""The step itself: answers, numbers, verdict, plots, in one folder written at once."""

from __future__ import annotations

import json
import math
import os
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from mizzen.adapters import bundle
from mizzen.adapters.files.atomic import replaced_folder
from mizzen.adapters.files.model_folder import read_manifest
from mizzen.adapters.matplotlib.plots import draw
from mizzen.adapters.tables import read_table, write_table
from mizzen.core.bootstrap import Comparison
from mizzen.core.gate import ChampionComparison, Footing, IncomparableChampion, Same, Verdict, judge
from mizzen.core.identity import identity_of
from mizzen.core.labels import label_numbers
from mizzen.core.manifest import CARD
from mizzen.core.metrics import Metric, find_metrics
from mizzen.core.outputs import Floats
from mizzen.core.place import Place
from mizzen.errors import InvalidData
from mizzen.spec.project import ProjectSpec
from mizzen_components.evaluate import measure
from mizzen_components.evaluate.footing import compared_rows
from mizzen_components.evaluate.measure import Evaluator, Measurement
from mizzen_components.evaluate.predictions import (
    Candidate,
    Rows,
    answer,
    champion_answer,
    fetch_package,
    is_champion,
)
from mizzen_components.evaluate.slices import Slice, slices_of
from mizzen_components.feature_records import read_records
from mizzen_components.model_card import card
from mizzen_components.model_rows import label_column, prediction_frame

if TYPE_CHECKING:
    import pandas as pd


class EvaluateFigures(NamedTuple):
    """The primary metric and the verdict. A value that cannot be computed is None, and so is
    that of a champion that was not compared; the verdict says why. `registrable`: whether the
    candidate becomes a version."""

    metric: str
    value: float | None
    champion_value: float | None
    blessed: bool
    reason: str
    registrable: bool


def run(
    *,
    model: Path,
    test: Path,
    champion: str,
    code: str,
    project: dict[str, Any],
    evaluation: Path,
    tables: Path | None = None,
    sources: Path | None = None,
) -> EvaluateFigures:
    """Write the evaluation folder: metrics.json, verdict.json, card.md, predictions.parquet,
    plots/.

    Args:
        tables: of the run; the champion's views are computed from them where it needs others.
        sources: with the records of the views that `test` was joined with.
        champion: number of the version to compare with; empty without one.

    Raises:
        InvalidData: no labelled row, or a slice column that is not there.
        StepFailed: the candidate answers with what no model may answer.
        TemporaryError: the registry is away.
    """
    place, spec = Place.from_environment(os.environ), ProjectSpec.model_validate(project)
    metrics = find_metrics(spec.evaluation.metrics, spec.task)
    frame, labels, unseen = _held_out(test, spec, read_manifest(model)[1].classes)
    code_folder = bundle.open_code(place, code)
    candidate = answer(place, model, code_folder, frame, spec.trainer.resources.cpu)
    identity = identity_of(*read_manifest(model), spec, code, read_records(sources))
    rival: Floats | IncomparableChampion | Same | None = None
    if champion and is_champion(place, spec.name, int(champion), identity):
        rival = Same(int(champion))
    elif champion:
        rival = champion_answer(place, spec, int(champion), Rows(frame, tables, sources), candidate)
    ruler, footing = _ruler(labels, candidate, None, spec), None
    if isinstance(rival, np.ndarray):
        package = fetch_package(place, spec.name, int(champion))
        compared = compared_rows(package, frame, spec.gate.fresh_rows)
        footing, kept = compared.footing(metrics[0], labels, rival), compared.rows
        frame, labels = frame[kept].reset_index(drop=True), labels[kept]
        candidate = replace(candidate, outputs=candidate.outputs[kept])
        ruler = _ruler(labels, candidate, rival[kept], spec)
    measured = {metric.name: ruler.measure(metric) for metric in metrics}
    parts = _slices(frame, spec, ruler, metrics[0])
    primary, number = measured[metrics[0].name], int(champion or 0)
    verdict = _verdict(spec, metrics[0], primary, parts, number, rival, ruler, footing)
    document = _document(spec, metrics, measured, parts, ruler)
    document["champion"] = None if footing is None else number
    document["left_out"] = 0 if footing is None else footing.left_out
    document["favoured"] = 0 if footing is None else footing.seen
    document["unseen_labels"] = unseen
    document["rows"] = len(labels)
    document["calibration"] = measure.calibration_record(spec.task, labels, candidate.outputs)
    weights = read_manifest(model)[0].weights_hash
    known = {"code": code, "weights_hash": weights, "rule": verdict.rule, "reason": verdict.reason}
    text = card(spec, _finite(document), known)
    predictions = _predictions(frame, spec, candidate)
    _write(evaluation, document, verdict, text, predictions, labels, candidate)
    return _figures(document, verdict)


def _ruler(
    labels: Floats, candidate: Candidate, champion: Floats | None, spec: ProjectSpec
) -> Evaluator:
    classes, seed = candidate.encoder.classes, spec.trainer.seed
    return Evaluator(labels, candidate.outputs, champion, spec.evaluation, seed, classes)


def _held_out(
    test: Path, spec: ProjectSpec, classes: tuple[str, ...]
) -> tuple[pd.DataFrame, Floats, int]:
    """Labelled rows; how many were left out because training never saw their class (no model
    of this run can name it)."""
    frame = read_table(test)
    labels = label_numbers(label_column(frame, spec.label.column), spec.task, classes)
    known = labels >= 0 if classes else np.ones(len(labels), dtype=bool)
    if not known.any():
        raise InvalidData("no held-out row has a class that training saw")
    return frame[known].reset_index(drop=True), labels[known], int((~known).sum())


def _slices(
    frame: pd.DataFrame, spec: ProjectSpec, ruler: Evaluator, metric: Metric
) -> list[tuple[Slice, Measurement]]:
    found = slices_of(frame, spec.evaluation.slices)
    return [(part, ruler.measure(metric, part)) for part in found]


def _verdict(
    spec: ProjectSpec,
    metric: Metric,
    measured: Measurement,
    parts: list[tuple[Slice, Measurement]],
    version: int,
    rival: Floats | IncomparableChampion | Same | None,
    ruler: Evaluator,
    footing: Footing | None,
) -> Verdict:
    value, why = measure.value_of(measured), ruler.why(metric, measured)
    if isinstance(measured, Comparison):
        slices = measure.slice_comparisons(parts)
        compared = ChampionComparison(version, measured, slices, footing)
        return judge(metric, value, compared, spec.gate, why)
    other = rival if isinstance(rival, IncomparableChampion | Same) else None
    return judge(metric, value, other, spec.gate, why)


def _document(
    spec: ProjectSpec,
    metrics: list[Metric],
    measured: dict[str, Measurement],
    parts: list[tuple[Slice, Measurement]],
    ruler: Evaluator,
) -> dict[str, Any]:
    return {
        "task": spec.task,
        "primary": metrics[0].name,
        "resamples": spec.evaluation.resamples,
        "confidence": spec.evaluation.confidence,
        "metrics": {
            metric.name: {"higher": metric.higher} | ruler.record(metric, measured[metric.name])
            for metric in metrics
        },
        "slices": measure.slice_records(ruler, metrics[0], parts),
    }


def _predictions(frame: pd.DataFrame, spec: ProjectSpec, candidate: Candidate) -> pd.DataFrame:
    kept = [*spec.data.key, spec.data.event_time, spec.label.column]
    rows = frame[[name for name in kept if name in frame.columns]]
    return prediction_frame(rows, spec.task, candidate.outputs, candidate.encoder.classes)


def _write(
    folder: Path,
    document: dict[str, Any],
    verdict: Verdict,
    text: str,
    predictions: pd.DataFrame,
    labels: Floats,
    candidate: Candidate,
) -> None:
    with replaced_folder(folder) as scratch:
        (scratch / "plots").mkdir(parents=True)
        _write_json(scratch / "metrics.json", document)
        _write_json(scratch / "verdict.json", asdict(verdict))
        (scratch / CARD).write_text(text, encoding="utf-8")
        write_table(predictions, scratch / "predictions.parquet")
        draw(scratch / "plots", document, labels, candidate.outputs, candidate.encoder.classes)


def _write_json(file: Path, document: dict[str, Any]) -> None:
    text = json.dumps(_finite(document), indent=1, sort_keys=True, allow_nan=False)
    file.write_text(text, encoding="utf-8")


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(inner) for inner in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _known(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None


def _figures(document: dict[str, Any], verdict: Verdict) -> EvaluateFigures:
    primary = document["metrics"][document["primary"]]
    return EvaluateFigures(
        document["primary"],
        _known(primary["value"]),
        _known(primary.get("champion")),
        verdict.blessed,
        verdict.reason,
        verdict.registrable,
    )
