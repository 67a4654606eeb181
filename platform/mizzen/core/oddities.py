"""What is odd about a column of numbers, in words: `check --data` and `preprocess` say it.

Nothing here stops a run. A sentinel that stands for "unknown", a constant, or digits that float64
does not hold are often mistakes of the source, and always worth knowing.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from mizzen.core.encoding import as_float
from mizzen.core.scaling import Floats, Spread, spread_of

_EXACT = 2**53  # integers above it have neighbours that float64 cannot tell from them
_FAR = 1000  # deviations; a single value beyond them is named


def oddities(name: str, values: NDArray[Any]) -> list[str]:
    """Sentences about a column of finite numbers, nulls allowed; mostly none."""
    floats = as_float(values, name)
    known = floats[np.isfinite(floats)]
    if len(known) == 0:
        return []
    spread = spread_of(known)
    return [
        *_merged(name, values),
        *_sentinels(name, known, spread),
        *_outliers(name, known, spread),
        *_constant(name, spread),
    ]


def _merged(name: str, values: NDArray[Any]) -> list[str]:
    """Distinct integers that are one float64."""
    if values.dtype.kind not in "iuO" or np.nanmax(np.abs(as_float(values, name))) < _EXACT:
        return []
    whole = {v for v in values.tolist() if isinstance(v, int) and abs(v) >= _EXACT}
    lost = len(whole) - len({float(value) for value in whole})
    if not lost:
        return []
    return [
        f"{name!r} holds integers above 2^53, {lost} of which float64 cannot tell from others: "
        f"such as {max(whole)}; subtract a constant, or declare `kind: category`"
    ]


def _sentinels(name: str, known: Floats, spread: Spread) -> list[str]:
    around = f"{_shown(spread.low)} to {_shown(spread.high)}"
    return [
        f"{name!r} is {_shown(value)} in {int((known == value).sum())} of {len(known)} rows, far "
        f"from all others ({around}); if it stands for no value, make it null in the source"
        for value in spread.sentinels
    ]


def _outliers(name: str, known: Floats, spread: Spread) -> list[str]:
    with np.errstate(over="ignore"):
        far = np.abs(known - spread.mean) / spread.std > _FAR
    far &= ~np.isin(known, spread.sentinels)
    if not far.any() or spread.constant:
        return []
    worst = _shown(float(known[far][0]))
    return [
        f"{name!r} lies more than {_FAR} deviations from its mean in {int(far.sum())} of "
        f"{len(known)} rows, such as {worst}; a network can hardly tell such values apart"
    ]


def _constant(name: str, spread: Spread) -> list[str]:
    if not spread.constant:
        return []
    if spread.low == spread.high:
        return [f"{name!r} is {_shown(spread.low)} in every row; nothing can be learnt from it"]
    return [
        f"{name!r} differs by rounding only ({spread.low!r} to {spread.high!r}); it counts as a "
        "constant, and nothing can be learnt from it"
    ]


def _shown(value: float) -> str:
    return str(int(value)) if value.is_integer() and abs(value) < _EXACT else repr(value)
