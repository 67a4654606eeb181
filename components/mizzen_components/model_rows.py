"""Rows of a table as a model takes them. Train, evaluate and predict share it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from mizzen.core.encoding import UNKNOWN, Encoded, Encoder
from mizzen.errors import InvalidData

if TYPE_CHECKING:
    import pandas as pd


def columns_of(frame: pd.DataFrame, names: tuple[str, ...]) -> dict[str, NDArray[Any]]:
    """The named columns as arrays.

    Raises:
        InvalidData: one is missing; the text names all of them.
    """
    missing = [name for name in names if name not in frame.columns]
    if missing:
        raise InvalidData(
            f"columns that the model needs are missing: {', '.join(missing)}",
            given=", ".join(map(str, frame.columns)),
            next_step="add them to the data or the features, or train another model",
        )
    return {name: frame[name].to_numpy() for name in names}


def encode(encoder: Encoder, frame: pd.DataFrame) -> Encoded:
    """Rows of the frame, in its order, encoded as in training."""
    return encoder.encode(columns_of(frame, encoder.columns))


def unknown_categories(
    encoder: Encoder, frame: pd.DataFrame, encoded: Encoded
) -> NDArray[np.object_]:
    """For each row the features whose category training never saw, as `a, b`; None without."""
    unknown: list[list[str]] = [[] for _ in range(len(frame))]
    for index, column in enumerate(encoder.categories):
        unseen = (encoded.codes[:, index] == UNKNOWN) & frame[column.name].notna().to_numpy()
        for row in np.flatnonzero(unseen).tolist():
            unknown[row].append(column.name)
    return np.array([", ".join(names) or None for names in unknown], dtype=object)


def label_column(frame: pd.DataFrame, name: str) -> NDArray[Any]:
    """The raw labels, none of them null."""
    values = columns_of(frame, (name,))[name]
    if len(values) == 0:
        raise InvalidData("no labelled row is left", next_step="widen the window of data")
    return np.asarray(values)


def prediction_frame(
    rows: pd.DataFrame, task: str, outputs: NDArray[np.float64], classes: tuple[str, ...]
) -> pd.DataFrame:
    """`rows` with the answers beside them: `probability` (binary), `prediction` (regression),
    or `prediction` and one `probability_<class>` for each class (multiclass)."""
    if task == "binary":
        return rows.assign(probability=outputs)
    if task == "regression":
        return rows.assign(prediction=outputs)
    named = {f"probability_{name}": outputs[:, i] for i, name in enumerate(classes)}
    best = np.array(classes, dtype=object)[outputs.argmax(1)]
    return rows.assign(prediction=best, **named)
