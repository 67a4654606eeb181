"""Labels as numbers: what preprocessing learns as classes, training and evaluation count by.

A class is named by its text; integral floats lose their `.0` and booleans are `0` and `1`, so
that a column read as 1, 1.0 or True (a null in it changes its type) means the same class.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mizzen.core.encoding import as_float
from mizzen.errors import InvalidData

Floats = NDArray[np.float64]


def class_name(value: Any) -> str:
    """The text that stands for a label's class."""
    if isinstance(value, bool | np.bool_):
        return str(int(value))
    if isinstance(value, float | np.floating) and math.isfinite(value) and value == int(value):
        return str(int(value))
    return str(value)


def fit_classes(values: NDArray[Any], task: str) -> tuple[str, ...]:
    """The classes of non-null training labels; numbers in their order, else sorted text.
    For binary the second is the class that is predicted. Regression has none.

    Raises:
        InvalidData: one class only, or more than two in a binary task.
    """
    if task == "regression":
        return ()
    names = {class_name(value) for value in values.tolist()}
    if len(names) < 2 or (task == "binary" and len(names) > 2):
        raise InvalidData(
            f"the label has {len(names)} class{'' if len(names) == 1 else 'es'} in the training rows",
            given=", ".join(sorted(names)[:10]) or "no labelled row",
            allowed="exactly 2 (task: binary)" if task == "binary" else "2 or more",
            next_step="widen the window, mend the label, or change `task`",
        )
    try:
        return tuple(sorted(names, key=float))
    except ValueError:
        return tuple(sorted(names))


def label_numbers(values: NDArray[Any], task: str, classes: Sequence[str]) -> Floats:
    """Labels as float64 (rows,): class indices, or the values themselves in a regression.
    A class that training never saw is -1.

    Raises:
        InvalidData: a regression's label that is no finite number.
    """
    if task == "regression":
        numbers = as_float(values, "label")
        if not np.isfinite(numbers).all():
            raise InvalidData("the label holds null or infinite values", next_step="drop those rows")
        return numbers
    index = {name: number for number, name in enumerate(classes)}
    found = (index.get(class_name(value), -1) for value in values.tolist())
    return np.fromiter(found, dtype=np.float64, count=len(values))
