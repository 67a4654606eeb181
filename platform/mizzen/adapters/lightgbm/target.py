"""Labels as LightGBM keeps them: in float32. Values near 1.7e9 would lose all that is learnt.

Where float32 loses digits that matter, a regression learns `(label - mean) / scale` instead and
answers are brought back in float64. Most labels lose nothing, and are learnt as they are.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

import numpy as np

from mizzen.core.scaling import moments
from mizzen.errors import InvalidData
from mizzen.ports.framework import Floats

FILE = "target.json"
_SHIFTED = ("regression", "regression_l1", "quantile", "huber", "fair")  # the shift changes nothing
_SCALED = ("regression", "regression_l1", "quantile")  # nor does the scale
_LOST = 1e-6  # of the deviation; what float32 may lose unnoticed
_SMALL, _LARGE = 1e-15, 1e15  # deviations whose squares float32 gradients hold well


@dataclass(frozen=True, slots=True)
class Target:
    """`label = learnt * scale + mean`; `scale` is a power of two."""

    mean: float = 0.0
    scale: float = 1.0

    def learnt(self, labels: Floats) -> Floats:
        """What the trees learn."""
        return labels if self == Target() else (labels - self.mean) / self.scale

    def answers_of(self, outputs: Floats) -> Floats:
        """What the trees answer -> labels."""
        return outputs if self == Target() else outputs * self.scale + self.mean

    def to_json(self) -> str:
        """Canonical."""
        return json.dumps({"mean": self.mean, "scale": self.scale}, sort_keys=True)


def target_of(labels: Floats, objective: str, square_root: bool) -> Target:
    """How the labels of a regression are learnt.

    Raises:
        InvalidData: float32 loses them, and the objective allows neither shift nor scale.
    """
    mean, deviation = moments(np.sort(labels))
    with np.errstate(over="ignore"):
        lost = float(np.abs(labels.astype(np.float32) - labels).max())
    extreme = not _SMALL <= deviation <= _LARGE
    if lost <= _LOST * deviation and not extreme:
        return Target()
    if square_root or objective not in (_SCALED if extreme else _SHIFTED):
        raise InvalidData(
            f"LightGBM keeps labels in float32, which loses these; objective {objective!r} cannot "
            "learn them from another zero or in another unit",
            given=f"{labels.min():g} to {labels.max():g}, off by up to {lost:.3g} in float32",
            next_step="subtract a constant from the label, or divide it, in the data source",
        )
    return Target(mean, float(np.ldexp(1.0, int(np.frexp(deviation)[1]))) if extreme else 1.0)
