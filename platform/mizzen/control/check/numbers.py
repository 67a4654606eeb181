"""Warnings about the numbers of the rows: sentinels, constants, digits that are lost."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mizzen.control.check.finding import Finding
from mizzen.core.oddities import oddities
from mizzen.errors import InvalidData
from mizzen.spec.features import Features

if TYPE_CHECKING:
    import pandas as pd


def odd_numbers(rows: pd.DataFrame, features: Features) -> list[Finding]:
    """One warning for each oddity; a column that holds no numbers is refused elsewhere."""
    found = []
    for column in features.inputs:
        if column.kind == "number" and column.name in rows:
            try:
                told = oddities(column.name, rows[column.name].to_numpy())
            except InvalidData:
                continue
            found += [Finding("warning", "features", sentence) for sentence in told]
    return found
