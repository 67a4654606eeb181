"""Columns of numbers: typed values as they are, texts by the signs that the description names."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import numpy as np

from mizzen.core.canonical import is_null
from mizzen.errors import InvalidData
from mizzen_components.snapshot.places import place_of

if TYPE_CHECKING:
    import pandas as pd

_FLAGS = {"true": "1", "false": "0"}


def to_numbers(
    values: pd.Series[Any], keys: pd.DataFrame, decimal: str = ".", thousands: str | None = None
) -> pd.Series[Any]:
    """A column as finite numbers: int64 (nullable beside nulls) or float64 with NaN.

    Args:
        keys: the key columns of the same rows, shown in errors.

    Raises:
        InvalidData: a value is no number, or is infinite; the text shows it and its row.
    """
    import pandas as pd

    numbers = _typed(values)
    if numbers is None:
        numbers = _read(values, decimal, thousands)
    if numbers is None:
        raise _no_number(values, keys, decimal, thousands)
    if numbers.dtype.kind == "f":
        infinite = np.isinf(numbers.to_numpy(dtype=np.float64, na_value=np.nan))
        if infinite.any():
            raise _infinite(values, keys, infinite)
    return pd.Series(numbers, index=values.index, name=values.name)


def _typed(values: pd.Series[Any]) -> pd.Series[Any] | None:
    """A column whose type is a number's or a boolean's already."""
    kind = values.dtype.kind
    if kind == "b":
        return values.astype("Int64") if values.isna().any() else values.astype(np.int64)
    if kind in "iu":
        return values
    if kind == "f":
        return values.astype(np.float64)
    return None


def _read(values: pd.Series[Any], decimal: str, thousands: str | None) -> pd.Series[Any] | None:
    """A column of texts, or of objects of several types; None where a value is no number."""
    import pyarrow as pa  # type: ignore[import-untyped]
    import pyarrow.compute as pc  # type: ignore[import-untyped]

    texts = _texts(values, decimal, thousands)
    if texts is None:
        return None
    whole = pc.all(pc.match_substring_regex(texts, r"^-?[0-9]{1,18}$")).as_py()
    array = texts.cast(pa.int64() if whole else pa.float64())
    frame = pa.table({"numbers": array}).to_pandas(
        types_mapper={pa.int64(): _int64(bool(array.null_count))}.get
    )
    read: pd.Series[Any] = frame["numbers"].set_axis(values.index)
    return read


def _int64(nullable: bool) -> Any:
    import pandas as pd

    return pd.Int64Dtype() if nullable else None


def _texts(values: pd.Series[Any], decimal: str, thousands: str | None) -> Any:
    """The values as Arrow's texts of numbers, such as `-1.5e3`; None where one is no number."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if values.dtype == object:
        listed = [_plain(value, decimal) for value in values.tolist()]
        if any(text is _REFUSED for text in listed):
            return None
        texts = pa.array(listed, pa.string())
    else:
        texts = pa.chunked_array([pa.array(values, pa.string(), from_pandas=True)])
    texts = pc.utf8_trim_whitespace(texts)
    form = _form(decimal, thousands)
    fits = pc.match_substring_regex(texts, form)
    if pc.all(fits).as_py() is False:
        return None
    return _without_signs(texts, decimal, thousands)


def _without_signs(texts: Any, decimal: str, thousands: str | None) -> Any:
    import pyarrow.compute as pc

    if thousands is not None:
        texts = pc.replace_substring(texts, thousands, "")
    if decimal != ".":
        texts = pc.replace_substring(texts, decimal, ".")
    texts = pc.replace_substring_regex(texts, r"^\+", "")
    flags = pc.utf8_lower(texts)
    for word, digit in _FLAGS.items():
        texts = pc.if_else(pc.equal(flags, word), digit, texts)
    return texts


def _form(decimal: str, thousands: str | None) -> str:
    """What the text of a number looks like; `true` and `false` are 1 and 0."""
    point = re.escape(decimal)
    whole = "[0-9]+"
    if thousands is not None:
        whole = rf"(?:[0-9]+|[0-9]{{1,3}}(?:{re.escape(thousands)}[0-9]{{3}})+)"
    number = rf"[+-]?(?:{whole}(?:{point}[0-9]*)?|{point}[0-9]+)(?:[eE][+-]?[0-9]+)?"
    return rf"^(?:{number}|[Tt]rue|TRUE|[Ff]alse|FALSE)$"


_REFUSED: Any = object()
_WHOLE = (bool, np.bool_, int, np.integer)


def _plain(value: Any, decimal: str) -> Any:
    """One value of a column of objects as text; `_REFUSED` for what is no number."""
    if isinstance(value, str):
        return value or None
    if is_null(value):
        return None
    if isinstance(value, _WHOLE) and not isinstance(value, np.timedelta64):
        return str(int(value))
    if isinstance(value, Decimal):
        return format(value, "f").replace(".", decimal) if value.is_finite() else _REFUSED
    if isinstance(value, float | np.floating) and np.isfinite(value):
        return repr(float(value)).replace(".", decimal)
    return _REFUSED


def _no_number(
    values: pd.Series[Any], keys: pd.DataFrame, decimal: str, thousands: str | None
) -> InvalidData:
    form = re.compile(_form(decimal, thousands))
    wrong = [not _fits(value, decimal, form) for value in values.tolist()]
    position = int(np.argmax(wrong))
    value = values.iloc[position]
    signs = f"`decimal: {decimal!r}`" + (f", `thousands: {thousands!r}`" if thousands else "")
    return InvalidData(
        f"column {values.name!r} must hold numbers, but {sum(wrong)} of {len(values)} rows do not",
        given=f"{value!r} ({type(value).__name__}) in {place_of(position, keys)}",
        allowed=f"finite numbers, true, false, null; in texts {signs}",
        next_step=f"fix the value; or say in data.columns how {values.name!r} is read: `decimal`, "
        "`thousands`, or `nulls` for texts that mean null; a name is `kind: category`",
    )


def _fits(value: Any, decimal: str, form: re.Pattern[str]) -> bool:
    text = _plain(value, decimal)
    return text is not _REFUSED and (text is None or form.match(text.strip()) is not None)


def _infinite(values: pd.Series[Any], keys: pd.DataFrame, infinite: Any) -> InvalidData:
    position = int(infinite.argmax())
    return InvalidData(
        f"column {values.name!r} is infinite in {int(infinite.sum())} of {len(values)} rows",
        given=f"{values.iloc[position]} in {place_of(position, keys)}",
        allowed="finite numbers, or null",
        next_step="fix the division or logarithm that made them, or make them null",
    )
