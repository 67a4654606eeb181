"""The `lightgbm` framework. The table names it; train, evaluate and serving call it.

Numbers keep their nulls (NaN is LightGBM's own); categories are passed as codes, with 0 for
unknown and null.
"""

from __future__ import annotations

import importlib.metadata
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import lightgbm
import numpy as np
from numpy.typing import NDArray

from mizzen.adapters.lightgbm.parameters import read_parameters
from mizzen.core.encoding import Encoded, Encoder
from mizzen.core.manifest import read_manifest
from mizzen.core.place import Place
from mizzen.core.weights import text_hash
from mizzen.errors import IntegrityError, StepFailed
from mizzen.ports.framework import Fitted, Floats, TrainingJob

WEIGHTS = "model.txt"


class LightGBMFramework:
    """Gradient boosted trees, as text."""

    def __init__(self, place: Place) -> None:
        self._place = place

    def fit(self, job: TrainingJob, folder: Path) -> Fitted:
        """Fit the rounds that the project asks for; no early stopping, so that runs repeat."""
        parameters, rounds = read_parameters(job.trainer, job.task, len(job.encoder.classes))
        data = lightgbm.Dataset(
            matrix(job.rows),
            job.labels,
            feature_name=list(job.encoder.columns),
            categorical_feature=_positions(job.encoder),
            params=parameters,
        )
        try:
            booster = lightgbm.train(parameters, data, num_boost_round=rounds)
        except lightgbm.basic.LightGBMError as error:
            raise StepFailed(
                "LightGBM refused to train", given=error, next_step="mend trainer.parameters"
            ) from None
        text = booster.model_to_string()
        scratch = folder / (WEIGHTS + ".part")
        scratch.write_text(text, encoding="utf-8")
        scratch.replace(folder / WEIGHTS)
        figures = {"rounds": float(rounds), "trees": float(booster.num_trees())}
        return Fitted((WEIGHTS,), text_hash(canonical(text)), figures, libraries())

    def load(self, folder: Path, code: Path | None, options: dict[str, Any]) -> LightGBMPredictor:
        """A predictor; `code` is not needed. Options: `threads`."""
        manifest, _ = read_manifest(folder)
        try:
            booster = lightgbm.Booster(model_str=(folder / WEIGHTS).read_text(encoding="utf-8"))
        except (OSError, lightgbm.basic.LightGBMError) as error:
            raise IntegrityError(f"{folder} holds no LightGBM model", given=error) from None
        return LightGBMPredictor(booster, manifest.task, int(options.get("threads", 1)))


@dataclass(frozen=True, slots=True)
class LightGBMPredictor:
    """Thread-safe: LightGBM locks its booster for reading only."""

    booster: lightgbm.Booster
    task: str
    threads: int

    def predict(self, rows: Encoded) -> Floats:
        """See `mizzen.ports.framework.Predictor`."""
        answer = self.booster.predict(matrix(rows), num_threads=self.threads)
        return np.asarray(answer, dtype=np.float64)


def matrix(rows: Encoded) -> NDArray[np.float32]:
    """Numbers with NaN, then codes; float32 holds every code exactly (below 2**24)."""
    return np.concatenate([rows.numbers, rows.codes.astype(np.float32)], axis=1)


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
