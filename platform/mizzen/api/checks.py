"""What a body must agree on with its address, and what JSON leaves open."""

from __future__ import annotations

from dataclasses import fields
from datetime import datetime
from typing import Any

from mizzen.errors import InvalidData


def same(field: str, given: object, addressed: object) -> None:
    """The body speaks of what the address names.

    Raises:
        InvalidData: it does not.
    """
    if given != addressed:
        raise InvalidData(
            f"`{field}` is not the one in the address", given=given, allowed=addressed
        )


def zoned(record: Any) -> None:
    """Every instant of a record has a zone: without one, it is a different instant elsewhere.

    Raises:
        InvalidData: one has none.
    """
    for field in fields(record):
        value = getattr(record, field.name)
        if isinstance(value, datetime) and value.tzinfo is None:
            raise InvalidData(
                f"`{field.name}` has no zone",
                given=value.isoformat(),
                allowed="an instant with zone, as in 2026-01-02T03:04:05Z",
            )
