"""Entity keys as text: `5`, `5.0` and `"5"` are one key, offline and online."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any


def text_keys(values: Iterable[Any]) -> list[str | None]:
    """Each value as text; null stays null. Whole floats (integers beside nulls) lose `.0`."""
    return [value if type(value) is str else _text(value) for value in values]


def _text(value: Any) -> str | None:
    if value is None or type(value).__name__ in {"NAType", "NaTType"}:
        return None
    if isinstance(value, float) and math.isnan(value):
        return None
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)
