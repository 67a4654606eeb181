"""Labels as numbers: what preprocessing learns as classes, training and evaluation count by.

A class is named by its text, as a category is: 1, 1.0 and True mean the same class.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mizzen.core.encoding import as_float, category_name
from mizzen.errors import InvalidData

Floats = NDArray[np.float64]


def fit_classes(values: NDArray[Any], task: str) -> tuple[str, ...]:
    """The classes of non-null training labels; numbers in their order, else sorted text.
    For binary the second is the class that is predicted. Regression has none.

    Raises:
        InvalidData: one class only, or more than two in a binary task.
    """
    if task == "regression":
        return ()
    names = {category_name(value) for value in values.tolist()}
    if len(names) < 2 or (task == "binary" and len(names) > 2):
        raise InvalidData(
            f"distinct labels in the training rows: {len(names)}",
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
            raise InvalidData("the label holds null or infinite values")
        return numbers
    index = {name: number for number, name in enumerate(classes)}
    found = (index.get(category_name(value), -1) for value in values.tolist())
    return np.fromiter(found, dtype=np.float64, count=len(values))
