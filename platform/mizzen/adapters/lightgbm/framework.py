"""The `lightgbm` framework. The table names it; train, evaluate and serving call it.

Numbers are passed raw, in float64, with their nulls (NaN is LightGBM's own); categories are passed
as codes, with 0 for unknown and null.
"""

from __future__ import annotations

import importlib.metadata
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import lightgbm
import numpy as np
from numpy.typing import NDArray

from mizzen.adapters.files.atomic import replace_text
from mizzen.adapters.files.model_folder import read_manifest
from mizzen.adapters.lightgbm.parameters import read_parameters
from mizzen.adapters.lightgbm.target import FILE, Target, target_of
from mizzen.adapters.lightgbm.trees import Trees
from mizzen.core.encoding import Encoded, Encoder
from mizzen.core.place import Place
from mizzen.core.weights import text_hash
from mizzen.errors import IntegrityError, StepFailed
from mizzen.ports.framework import FitResult, Floats, Framework, TrainingJob

WEIGHTS = "model.txt"
Exponents = NDArray[np.int64]
_SMALL, _LARGE, _GREATEST = 1e-20, 1e280, 1e299


class LightGBMFramework(Framework):
    """Gradient boosted trees, as text."""

    def __init__(self, place: Place) -> None:
        self._place = place

    def fit(self, job: TrainingJob, folder: Path) -> FitResult:
        """Fit the rounds that the project asks for; no early stopping, so that runs repeat."""
        parameters, rounds, target, data = _prepared(job)
        with _refusals():
            booster = lightgbm.train(parameters, data, num_boost_round=rounds)
        text = booster.model_to_string()
        files = {WEIGHTS: text} if target == Target() else {WEIGHTS: text, FILE: target.to_json()}
        for name, content in files.items():
            replace_text(folder / name, content)
        figures = {"rounds": float(rounds), "trees": float(booster.num_trees())}
        digest = text_hash("\n".join([canonical(text), *list(files.values())[1:]]))
        return FitResult(tuple(files), digest, figures, libraries())

    def check(self, job: TrainingJob) -> None:
        """Do all of a fit up to its first round; LightGBM itself looks at values, rows and labels.

        Raises:
            InvalidProject, InvalidData, StepFailed: as `fit` would.
        """
        parameters, _, _, data = _prepared(job)
        with _refusals():
            lightgbm.Booster(parameters, data)

    def load(self, folder: Path, code: Path | None, options: dict[str, Any]) -> LightGBMPredictor:
        """A predictor; `code` is not needed. Options: `threads`."""
        manifest, encoder = read_manifest(folder)
        try:
            booster = lightgbm.Booster(model_str=(folder / WEIGHTS).read_text(encoding="utf-8"))
            target = Target()
            if FILE in manifest.files:
                target = Target(**json.loads((folder / FILE).read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError, lightgbm.basic.LightGBMError) as error:
            raise IntegrityError(f"{folder} holds no LightGBM model", given=error) from None
        threads = int(options.get("threads", 1))
        return LightGBMPredictor(Trees(booster, threads), exponents(encoder), target)


def _prepared(job: TrainingJob) -> tuple[dict[str, Any], int, Target, lightgbm.Dataset]:
    """Parameters, rounds, how labels are learnt, and rows that LightGBM reads when it begins."""
    parameters, rounds = read_parameters(job)
    target = Target()
    if job.task == "regression":
        square_root = bool(parameters.get("reg_sqrt"))
        target = target_of(job.labels, parameters["objective"], square_root)
    data = lightgbm.Dataset(
        matrix(job.rows, exponents(job.encoder)),
        target.learnt(job.labels),
        feature_name=[quote(name, safe="") for name in job.encoder.columns],
        categorical_feature=_positions(job.encoder),
        params=parameters,
    )
    return parameters, rounds, target, data


@contextmanager
def _refusals() -> Iterator[None]:
    try:
        yield
    except lightgbm.basic.LightGBMError as error:
        raise StepFailed(
            "LightGBM refused to train", given=error, next_step="fix trainer.parameters"
        ) from None


@dataclass(frozen=True, slots=True)
class LightGBMPredictor:
    """Thread-safe."""

    trees: Trees
    exponents: Exponents | None
    target: Target

    def predict(self, rows: Encoded) -> Floats:
        """See `mizzen.ports.framework.Predictor`."""
        return self.target.answers_of(self.trees.predict(matrix(rows, self.exponents)))


def matrix(rows: Encoded, exponents: Exponents | None) -> Floats:
    """Raw numbers with NaN, then codes: float64 (rows, features)."""
    numbers = rows.raw
    if exponents is not None:
        with np.errstate(over="ignore"):
            numbers = np.clip(np.ldexp(numbers, exponents), -_GREATEST, _GREATEST)
    return np.concatenate([numbers, rows.codes], axis=1, dtype=np.float64)


def exponents(encoder: Encoder) -> Exponents | None:
    """LightGBM takes what is below 1e-35 for 0, and what is above 1e300 for 1e300. Columns of
    such numbers are multiplied by a power of two, which changes no split; None where there is
    no such column."""
    found = [
        0 if _SMALL <= column.std <= _LARGE else -int(np.frexp(column.std)[1])
        for column in encoder.numbers
    ]
    return np.array(found, dtype=np.int64) if any(found) else None


def canonical(text: str) -> str:
    """The model's text without what does not change a prediction: parameters (with the number
    of threads) and the library's own trailer."""
    text = re.sub(r"^parameters:.*?^end of parameters$", "", text, flags=re.M | re.S)
    return re.sub(r"^pandas_categorical:.*$", "", text, flags=re.M).strip()


def libraries() -> dict[str, str]:
    """Exact versions of what a LightGBM model needs."""
    return {"lightgbm": importlib.metadata.version("lightgbm")}


def _positions(encoder: Encoder) -> list[int]:
    first = len(encoder.numbers)
    return list(range(first, first + len(encoder.categories)))
