"""The columns that the model will see: present, of the declared kind, known somewhere."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

import numpy as np

from mizzen.core.encoding import as_float
from mizzen.errors import InvalidData
from mizzen.spec.data import Label
from mizzen.spec.features import Features

if TYPE_CHECKING:
    import pandas as pd

SHOWN = 3


def check_inputs(rows: pd.DataFrame, features: Features, label: Label) -> None:
    """Every feature and the label are columns, and numbers are finite numbers or null.

    Raises:
        InvalidData: naming the columns, with close matches, or the values that do not fit.
    """
    wanted = [*(column.name for column in features.inputs), label.column]
    missing = [name for name in wanted if name not in rows.columns]
    if missing:
        known = [str(column) for column in rows.columns]
        close = {name: get_close_matches(name, known, n=1) for name in missing}
        meant = ", ".join(f"{name!r}: {match[0]!r}" for name, match in close.items() if match)
        raise InvalidData(
            f"columns that the model needs are missing: {', '.join(missing)}",
            given=", ".join(known),
            next_step=(f"did you mean {meant}? " if meant else "")
            + "Fix `features` in mizzen.yaml, or the column's name in the source",
        )
    for column in features.inputs:
        if column.kind == "number":
            _check_numbers(column.name, rows[column.name])


def check_known(train: pd.DataFrame, features: Features) -> None:
    """Every feature has a value in some training row.

    Raises:
        InvalidData: naming all that have none.
    """
    empty = [column.name for column in features.inputs if train[column.name].isna().all()]
    if empty:
        raise InvalidData(
            f"features without a value in any training row: {', '.join(empty)}",
            given=f"{len(train)} training rows",
            next_step="fix the source, widen the window, or remove them from `features`",
        )


def _check_numbers(name: str, values: pd.Series[Any]) -> None:
    try:
        numbers = as_float(values.to_numpy(), name)
    except InvalidData:
        wrong = [value for value in values.dropna().tolist() if not _is_number(value)]
        raise _no_numbers(name, wrong, len(values)) from None
    infinite = int(np.isinf(numbers).sum())
    if infinite:
        raise InvalidData(
            f"feature {name!r} is infinite in {infinite} of {len(values)} rows",
            allowed="finite numbers, or null",
            next_step="fix the division or logarithm that made them, or make them null",
        )


def _is_number(value: object) -> bool:
    return isinstance(value, int | float | np.number)


def _no_numbers(name: str, wrong: list[Any], rows: int) -> InvalidData:
    shown = ", ".join(dict.fromkeys(repr(value) for value in wrong[: SHOWN * 10]))
    return InvalidData(
        f"feature {name!r} must hold numbers",
        given=f"{len(wrong)} of {rows} rows hold something else: {shown[:200]}",
        allowed="numbers, booleans or null",
        next_step="fix the source, or declare the feature with `kind: category`",
    )
