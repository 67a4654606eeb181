"""What a model may answer. Training checks a fresh model with it, evaluation and batch
inference check every answer."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mizzen.errors import StepFailed

Floats = NDArray[np.float64]
TOLERANCE = 1e-4  # of a row of probabilities: float32 softmax over many classes


def check_outputs(outputs: Floats, task: str, rows: int, classes: int) -> Floats:
    """The outputs themselves when they are what a task promises (see `ports.framework`).

    Raises:
        StepFailed: wrong shape, NaN or infinity, or probabilities out of range.
    """
    wanted = (rows, classes) if task == "multiclass" else (rows,)
    if outputs.shape != wanted:
        raise _refused("answers with the wrong shape", outputs.shape, wanted)
    bad = int((~np.isfinite(outputs)).sum())
    if bad:
        raise _refused("answers with NaN or infinity", f"{bad} of {outputs.size} values", "finite")
    if task != "regression" and ((outputs < 0) | (outputs > 1)).any():
        found = f"{outputs.min():.6g} to {outputs.max():.6g}"
        raise _refused("answers with probabilities out of range", found, "0 to 1")
    if task == "multiclass" and (abs(outputs.sum(1) - 1) > TOLERANCE).any():
        raise _refused("answers with probabilities that do not add up", "", "1 for each row")
    return outputs


def _refused(fault: str, given: object, allowed: object) -> StepFailed:
    return StepFailed(
        f"the model {fault}",
        given=given,
        allowed=allowed,
        next_step="fix the model; nulls among its inputs are the usual cause of NaN",
    )
