"""What a body must agree on with its address, and what JSON says that no state can keep."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from datetime import UTC, datetime
from typing import Any

from pydantic import BaseModel

from mizzen.errors import InvalidData

LARGEST = 2**31 - 1  # of the whole numbers in tables
INSTANT = "an instant with zone, as in 2026-01-02T03:04:05Z"


def same(field: str, given: object, addressed: object) -> None:
    """The body speaks of what the address names.

    Raises:
        InvalidData: it does not.
    """
    if given != addressed:
        raise InvalidData(
            f"`{field}` is not the one in the address", given=given, allowed=addressed
        )


def keepable(record: Any) -> None:
    """Everything in a record can be kept: instants have a zone, without which they are different
    ones elsewhere, and fall in a year of the calendar in UTC; text holds neither NUL nor half a
    surrogate pair; numbers are finite, and whole ones that are no part of a document of the
    client's own fit their column.

    Raises:
        InvalidData: with the first field that cannot.
    """
    for where, value, is_field in _leaves(record, "", False):
        problem = _problem(value) or (_size_problem(value) if is_field else None)
        if problem is not None:
            said, allowed = problem
            raise InvalidData(f"`{where}` {said}", given=ascii(value)[:200], allowed=allowed)


def _leaves(value: Any, where: str, is_field: bool) -> Iterator[tuple[str, Any, bool]]:
    inside = _inside(value)
    if inside is None:
        yield where, value, is_field
        return
    own = not isinstance(value, list | tuple | Mapping)
    for name, item in inside.items():
        yield from _leaves(name, where, False)
        yield from _leaves(item, f"{where}.{name}" if where else str(name), own)


def _inside(value: Any) -> Mapping[Any, Any] | None:
    if is_dataclass(value):
        return {field.name: getattr(value, field.name) for field in fields(value)}
    if isinstance(value, BaseModel):
        return dict(value)
    if isinstance(value, list | tuple):
        return dict(enumerate(value))
    return value if isinstance(value, Mapping) else None


def _problem(value: Any) -> tuple[str, str] | None:
    if isinstance(value, datetime):
        return _instant_problem(value)
    if isinstance(value, str) and ("\0" in value or not _is_unicode(value)):
        return "is no text", "Unicode without NUL and without half of a surrogate pair"
    if isinstance(value, float) and not math.isfinite(value):
        return "is no finite number", "a finite number, or null"
    return None


def _size_problem(value: Any) -> tuple[str, str] | None:
    if isinstance(value, int) and not -LARGEST <= value <= LARGEST:
        return "is too large", f"a whole number from -{LARGEST} to {LARGEST}"
    return None


def _instant_problem(value: datetime) -> tuple[str, str] | None:
    if value.tzinfo is None:
        return "has no zone", INSTANT
    try:
        value.astimezone(UTC)
    except OverflowError:
        return "is no instant of the calendar in UTC", INSTANT
    return None


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
