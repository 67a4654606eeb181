"""`90d` -> 90 days. The one place where the notation is read."""

from __future__ import annotations

import re
from datetime import timedelta

from mizzen.errors import UserError

_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def to_timedelta(duration: str) -> timedelta:
    """A duration such as `30m` or `90d`, already checked by the spec, as a timedelta."""
    return timedelta(seconds=int(duration[:-1]) * _SECONDS[duration[-1]])


def read_duration(text: str, name: str) -> timedelta:
    """A duration that a user typed.

    Args:
        name: what the user calls it, such as an option.

    Raises:
        UserError: not a whole number with a unit.
    """
    if re.fullmatch(r"[1-9][0-9]{0,5}[smhd]", text) is None:
        allowed = "a whole number with a unit: s, m, h or d, as in 90d"
        raise UserError(f"{name} is no duration", given=repr(text), allowed=allowed)
    return to_timedelta(text)
