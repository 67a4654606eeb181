"""`90d` -> 90 days. The one place where the notation is read."""

from __future__ import annotations

from datetime import timedelta

_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def to_timedelta(duration: str) -> timedelta:
    """A duration such as `30m` or `90d`, already checked by the spec, as a timedelta."""
    return timedelta(seconds=int(duration[:-1]) * _SECONDS[duration[-1]])
