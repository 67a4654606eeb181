"""Where in the rows a value stands, so that a person finds it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd


def place_of(position: int, keys: pd.DataFrame) -> str:
    """`row 13 (id=1012)`: the row's number in its table, the first being 1, and its key."""
    label = int(keys.index[position]) + 1
    key = ", ".join(f"{name}={keys[name].iloc[position]}" for name in keys.columns)
    return f"row {label} ({key})" if key else f"row {label}"
