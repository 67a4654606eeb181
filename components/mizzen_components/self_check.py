"""What a fresh model must do before it is handed on: answer each row by that row alone.

`train` asks once the model is written, loading it as serving will. A service answers rows alone,
in whatever company requests bring, so a model whose answer depends on the company (statistics of
the batch, dropout that is always on) is measured with numbers that nobody will ever get.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from mizzen.core.encoding import Encoded
from mizzen.core.outputs import check_outputs
from mizzen.errors import MizzenError, StepFailed
from mizzen.ports.framework import Floats, Predictor, TrainingJob

ROWS = 1000  # training rows that a fresh model must answer
FEW = 16  # of them asked alone and in pairs
TOLERANCE = 1e-4  # of a probability, or of the label's deviation: float32 sums differ by less
Index = NDArray[np.intp]


def check_model(load: Callable[[], Predictor], job: TrainingJob) -> Floats:
    """Load the model and look at what it answers for training rows; these answers.

    Raises:
        StepFailed: answers that no model may give, or that depend on the other rows asked.
    """
    rows = job.rows[:ROWS]
    predictor = load()
    together = predictor.predict(rows)
    check_outputs(together, job.task, len(rows), len(job.encoder.classes))
    allowed = tolerance(job)
    for company, index in _companies(len(rows)):
        answers = _answers(predictor, rows[index], company)
        apart = _apart(together[index], answers)
        if not apart.max() <= allowed:  # NaN too
            worst = int(np.nan_to_num(apart, nan=np.inf).argmax())
            raise _depends(company, together[index][worst], answers[worst], allowed)
    return together


def check_loads(again: Predictor, job: TrainingJob, answers: Floats) -> None:
    """See that the model, loaded again under another seed, gives the answers of before.

    Raises:
        StepFailed: it is another model at each load.
    """
    others, allowed = again.predict(job.rows[:ROWS]), tolerance(job)
    apart = _apart(answers, others)
    if not apart.max() <= allowed:  # NaN too
        worst = int(np.nan_to_num(apart, nan=np.inf).argmax())
        raise StepFailed(
            "the model is another one each time it is loaded: it draws numbers that are not "
            "among its weights",
            given=f"{answers[worst]} and {others[worst]} for the same row",
            allowed=f"answers at most {allowed:.3g} apart",
            next_step="keep what is drawn with the weights (register_buffer, or what `fit` "
            "returns), or draw it from a generator with a seed of its own",
        )


def tolerance(job: TrainingJob) -> float:
    """How far two answers for one row may lie apart before they count as different."""
    if job.task != "regression":
        return TOLERANCE
    low, high = float(job.labels.min()), float(job.labels.max())
    return TOLERANCE * ((high / 2 - low / 2) or abs(high) or 1.0)


def _companies(rows: int) -> Iterator[tuple[str, Index]]:
    """The same rows asked in other ways than all at once, in their order."""
    everything = np.arange(rows)
    yield "once more", everything
    yield "in another order", everything[::-1].copy()
    yield "without the other half", everything[: (rows + 1) // 2]
    chosen = np.unique(np.linspace(0, rows - 1, FEW).astype(np.intp))
    for row in chosen:
        yield "alone", np.array([row])
        yield "in a pair", np.array([row, rows - 1 - row])
    yield "repeated", np.repeat(chosen[:1], FEW)


def _answers(predictor: Predictor, rows: Encoded, company: str) -> Floats:
    try:
        return predictor.predict(rows)
    except MizzenError:
        raise
    except Exception as error:  # the project's own module may raise anything
        raise StepFailed(
            f"the model cannot answer rows {company}, as a service asks them",
            given=f"{type(error).__name__}: {error}",
            next_step="fix the model: it must answer a single row, and use no batch statistics",
        ) from error


def _apart(one: Floats, other: Floats) -> Floats:
    if one.shape != other.shape:
        return np.array([np.inf])
    apart = np.abs(one - other).reshape(len(one), -1)
    largest: Floats = apart.max(axis=1)
    return largest


def _depends(company: str, together: object, apart: object, allowed: float) -> StepFailed:
    return StepFailed(
        "the model's answer for a row depends on the rows that are asked with it; "
        "it cannot be served",
        given=f"{together} among the other rows, {apart} {company}",
        allowed=f"answers at most {allowed:.3g} apart",
        next_step="fix the model: normalise with running statistics (track_running_stats=True), "
        "drop units only while self.training, take no mean over rows, keep no state between calls",
    )
