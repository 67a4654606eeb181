"""Texts that are instants: ISO 8601 with a zone, in a file as in a request."""

from __future__ import annotations

from datetime import UTC, datetime


def read_instant(text: str) -> datetime:
    """The instant, in UTC; the offset may be hours only (`+09`), the letters small.

    Raises:
        ValueError: no instant, or one without a zone.
        OverflowError: it lies outside the years 1 to 9999 of UTC.
    """
    instant = datetime.fromisoformat(text.strip().upper())
    if instant.tzinfo is None:
        raise ValueError("no zone")
    return instant.astimezone(UTC)
