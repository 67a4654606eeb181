"""Labels as numbers: what preprocessing learns as classes, training and evaluation count by.

A class is named by its canonical text, as a category is (docs/reference/values.md).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mizzen.core.canonical import canonical_text, canonical_texts
from mizzen.core.encoding import as_float
from mizzen.errors import InvalidData

Floats = NDArray[np.float64]
_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?")
_SHOWN = 10  # classes in an error


def fit_classes(values: NDArray[Any], task: str, positive: object = None) -> tuple[str, ...]:
    """The classes of training labels, nulls left out; numbers in their order, else sorted text.
    For binary the second is the one whose probability is predicted. Regression has none.

    Args:
        positive: binary: the second class, where the project names it (`label.positive`).

    Raises:
        InvalidData: one class only, more than two in a binary task, or two of which nobody says
            which is the positive one.
    """
    if task == "regression":
        return ()
    names = {name for name in canonical_texts(values, "label").tolist() if name is not None}
    if len(names) < 2 or (task == "binary" and len(names) > 2):
        raise InvalidData(
            f"distinct labels in the training rows: {len(names)}",
            given=", ".join(sorted(names)[:_SHOWN]) or "no labelled row",
            allowed="exactly 2 (task: binary)" if task == "binary" else "2 or more",
            next_step="widen the window, fix the label, or change `task`",
        )
    ordered = _ordered(names)
    return _positive_last(ordered, positive) if task == "binary" else ordered


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
    names = canonical_texts(values, "label").tolist()
    return np.fromiter((index.get(name, -1) for name in names), np.float64, len(names))


def _ordered(names: set[str]) -> tuple[str, ...]:
    if all(_NUMBER.fullmatch(name) for name in names):
        return tuple(sorted(names, key=lambda name: (float(name), name)))
    return tuple(sorted(names))


def _positive_last(ordered: tuple[str, ...], positive: object) -> tuple[str, ...]:
    name = canonical_text(positive)
    if name is None:
        if not _tell_themselves(ordered):
            raise _ambiguous(ordered, "nothing says which of two classes is the positive one")
        return tuple(sorted(ordered, key=str.casefold)) if _are_booleans(ordered) else ordered
    if name not in ordered:
        raise _ambiguous(ordered, f"label.positive names {name!r}, which is no class")
    return (*(other for other in ordered if other != name), name)


def _tell_themselves(ordered: tuple[str, ...]) -> bool:
    return _are_booleans(ordered) or all(_NUMBER.fullmatch(name) for name in ordered)


def _are_booleans(names: Sequence[str]) -> bool:
    return {name.casefold() for name in names} == {"false", "true"}


def _ambiguous(ordered: tuple[str, ...], message: str) -> InvalidData:
    return InvalidData(
        message,
        given=f"classes {', '.join(map(repr, ordered))}",
        allowed="label.positive: one of them; unneeded for two numbers, or false and true",
        next_step=f"write into mizzen.yaml which class a probability is of, as in "
        f'`label: {{positive: "{ordered[1]}"}}`',
    )
