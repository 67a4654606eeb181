"""The one text of a value: what a category, a class, a key or an entity is known by.

Files, data frames, feature stores and requests give the same value in different types. All of
them ask here, so that a value has one name everywhere; docs/reference/values.md is the table.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from mizzen.errors import InvalidData

# bytes of a float -> below this it tells whole numbers apart
_EXACT = {2: 2.0**11, 4: 2.0**24}
_EXACT_DOUBLE = 2.0**53
_TOO_LARGE = "a float this large may stand for several whole numbers"
_MOST_DIGITS = 4300  # Python's own bound for writing a number
_SHOWN = 80  # characters of a refused value
_DAYS = frozenset({"Y", "M", "W", "D"})
_TICKS = frozenset({"h", "m", "s", "ms", "us", "ns"})


def canonical_text(value: object) -> str | None:
    """The text of one value; None where it is null (None, NaN, NA, NaT, empty text).

    Raises:
        InvalidData: a value that may stand for several, or of a type that has no text.
    """
    if isinstance(value, str):
        return str.__str__(value) or None
    text_of = _BY_TYPE.get(type(value))
    if text_of is not None:
        return text_of(value)
    if is_null(value):
        return None
    for kinds, text_of in _TEXTS:
        if isinstance(value, kinds):
            return text_of(value)
    raise _refused(value, "its type has no one text")


def canonical_texts(
    values: NDArray[Any], column: str, place: Callable[[int], str] = lambda row: f"row {row + 1}"
) -> NDArray[np.object_]:
    """A column's texts, (rows,) of str or None. What is text already costs next to nothing.

    Args:
        column: named in errors.
        place: what a row is called in errors, by its position.

    Raises:
        InvalidData: as `canonical_text`, with column and row.
    """
    texts = np.empty(len(values), dtype=object)
    try:
        texts[:] = _texts(values)
    except InvalidData:
        raise _first_refused(values, column, place) from None
    return texts


def is_null(value: object) -> bool:
    """None, NaN (of any type), NaT, or pandas' NA."""
    if value is None or type(value).__name__ in {"NAType", "NaTType"}:
        return True
    if isinstance(value, float | np.floating):
        return math.isnan(value)
    if isinstance(value, Decimal):
        return value.is_nan()
    return isinstance(value, np.datetime64 | np.timedelta64) and bool(np.isnat(value))


def _texts(values: NDArray[Any]) -> list[str | None]:
    if values.dtype == object:
        found: Iterable[Any] = values.tolist()
        return [v if type(v) is str and v else canonical_text(v) for v in found]
    if values.dtype.kind in "iu":
        return [str(value) for value in values.tolist()]
    if values.dtype.kind == "b":
        return ["true" if value else "false" for value in values.tolist()]
    if values.dtype.kind == "f" and values.dtype.itemsize == 8:
        return _of_doubles(values)
    if values.dtype.kind == "M":
        return _of_numpy_times(values)
    return [canonical_text(value) for value in values]


def _of_doubles(values: NDArray[np.float64]) -> list[str | None]:
    with np.errstate(invalid="ignore"):
        whole = np.trunc(values) == values
    if (whole & (np.abs(values) >= _EXACT_DOUBLE)).any():
        raise _refused(values[whole].max(), _TOO_LARGE)
    texts = [
        str(int(value)) if is_whole else repr(value)
        for value, is_whole in zip(values.tolist(), whole.tolist(), strict=True)
    ]
    return [None if text == "nan" else text for text in texts]


def _of_numpy_times(values: NDArray[np.datetime64]) -> list[str | None]:
    unit, _ = np.datetime_data(values.dtype)
    if unit in _DAYS:
        texts = values.astype("datetime64[D]").astype(str).tolist()
    elif unit in _TICKS:
        written = np.datetime_as_string(values, unit="ns" if unit == "ns" else "us")
        texts = [_short_fraction(text) for text in written.tolist()]
    else:
        raise _refused(values[0], f"a time counted in {unit!r} has no one text")
    return [None if text == "NaT" else text for text in texts]


def _short_fraction(text: str) -> str:
    """As datetime writes it: no fraction or six digits; nine only where they are needed."""
    instant, _, fraction = text.partition(".")
    if not fraction.strip("0"):
        return instant
    return f"{instant}.{fraction[:6]}" if not fraction[6:].strip("0") else text


def _first_refused(values: NDArray[Any], column: str, place: Callable[[int], str]) -> InvalidData:
    for row, value in enumerate(values):
        try:
            canonical_text(value)
        except InvalidData as error:
            return InvalidData(
                f"column {column!r}, {place(row)}: {error.message}",
                given=error.given,
                allowed=error.allowed,
                next_step=error.next_step,
            )
    raise AssertionError("some value was refused")


def _of_whole(value: Any) -> str:
    try:
        return int.__repr__(int(value))
    except ValueError:
        raise InvalidData(
            "a value has no text that names it: it has too many digits",
            allowed=f"up to {_MOST_DIGITS} digits",
        ) from None


def _of_bool(value: Any) -> str:
    return "true" if value else "false"


def _of_float(value: Any) -> str:
    if math.isinf(value):
        raise _refused(value, "an infinite number is no name")
    if float(value).is_integer():
        width = value.dtype.itemsize if isinstance(value, np.floating) else 8
        if abs(value) >= _EXACT.get(width, _EXACT_DOUBLE):
            raise _refused(value, _TOO_LARGE)
        return str(int(value))
    return str(value) if isinstance(value, np.floating) else float.__repr__(value)


def _of_decimal(value: Any) -> str:
    if not value.is_finite():
        raise _refused(value, "an infinite number is no name")
    if abs(value.adjusted()) >= _MOST_DIGITS:
        raise _refused(value, "it has too many digits")
    text = format(value, "f")
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text == "-0" else text


def _of_bytes(value: Any) -> str | None:
    try:
        return bytes(value).decode("utf-8") or None
    except UnicodeDecodeError:
        raise _refused(value, "the bytes are not UTF-8") from None


def _of_datetime(value: Any) -> str:
    if value.tzinfo is None:
        return str(value.isoformat())
    try:
        utc = value.astimezone(UTC)
    except (OverflowError, ValueError):
        raise _refused(value, "the instant lies outside the years 1 to 9999 in UTC") from None
    return str(utc.isoformat()).removesuffix("+00:00") + "Z"


def _of_numpy_time(value: Any) -> str | None:
    return _of_numpy_times(np.asarray(value).reshape(1))[0]


def _of_duration(value: Any) -> str:
    raise _refused(value, "a duration has no one text")


def _of_itself(value: Any) -> str:
    return str(value)


def _of_date(value: Any) -> str:
    return str(value.isoformat())


# the first that fits: bool is an int, a timedelta64 an integer, datetime a date
_TEXTS: tuple[tuple[tuple[type, ...], Callable[[Any], str | None]], ...] = (
    ((np.timedelta64,), _of_duration),
    ((bool, np.bool_), _of_bool),
    ((int, np.integer), _of_whole),
    ((float, np.floating), _of_float),
    ((Decimal,), _of_decimal),
    ((bytes, bytearray, memoryview), _of_bytes),
    ((datetime,), _of_datetime),
    ((date,), _of_date),
    ((np.datetime64,), _of_numpy_time),
    ((UUID,), _of_itself),
)
_BY_TYPE: dict[type, Callable[[Any], str | None]] = {
    bool: _of_bool,
    int: _of_whole,
    type(None): lambda _: None,
}


def _refused(value: object, why: str) -> InvalidData:
    shown = repr(value)
    kind = type(value).__name__
    return InvalidData(
        f"a value has no text that names it: {why}",
        given=f"{shown if len(shown) <= _SHOWN else shown[:_SHOWN] + '…'} ({kind})",
        allowed="text, whole numbers, booleans, decimals, fractions, UTF-8 bytes, dates, UUIDs",
        next_step=_NEXT.get(kind, "give the value as text where it is read or computed"),
    )


_NEXT = dict.fromkeys(
    ("float", "float32", "float64"),
    "read the column as whole numbers or text: with a null in it pandas makes integers floats "
    "(use dtype 'Int64' or str)",
) | {time.__name__: "give the time as text: .isoformat()"}
