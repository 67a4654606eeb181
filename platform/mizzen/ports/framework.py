"""The seam between Mizzen and whatever fits and evaluates models."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from mizzen.core.encoding import Encoded, Encoder
from mizzen.spec.training import Trainer

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class TrainingJob:
    """Everything that a fit depends on.

    `labels`: float64 (rows,); class indices for binary (0/1) and multiclass. `code`: the
    project's unpacked bundle. `work`: a folder that outlives a killed attempt, for checkpoints.
    `inputs`: names of the inputs in the order of the description; the encoder's when empty.
    """

    task: str
    trainer: Trainer
    encoder: Encoder
    rows: Encoded
    labels: Floats
    code: Path
    work: Path
    inputs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class FitResult:
    """`files`: names written into the model folder. `weights_hash`: SHA-256 over canonical
    weights, without ids, times and paths. `figures`: scalars worth showing."""

    files: tuple[str, ...]
    weights_hash: str
    figures: dict[str, float]
    libraries: dict[str, str]


class Predictor(Protocol):
    """A loaded model. Thread-safe."""

    def predict(self, rows: Encoded) -> Floats:
        """Binary: probability of class 1, (rows,). Multiclass: probabilities (rows, classes).
        Regression: values (rows,)."""


class Framework(Protocol):
    """Fits a model into a folder and loads it from there; never through pickle."""

    def fit(self, job: TrainingJob, folder: Path) -> FitResult:
        """Fit and write the weights into `folder`."""

    def load(self, folder: Path, code: Path | None, options: dict[str, Any]) -> Predictor:
        """A predictor from `folder`; `code` is the unpacked bundle where the framework needs
        the user's build function. `options`: `threads` and, for torch, `device`."""
