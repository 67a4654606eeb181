"""Who writes to the state, and when: what no client says of itself."""

from __future__ import annotations

import getpass
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime


def wall_clock() -> datetime:
    """Now."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Author:
    """Signs what is written. `account`: the caller's name; the account of this machine's user
    where the state is in this process, asked for when something is signed."""

    account: str | None = None
    clock: Callable[[], datetime] = wall_clock

    @property
    def name(self) -> str:
        """As history shows it."""
        return machine_user() if self.account is None else self.account


def machine_user() -> str:
    """The account that this process runs under."""
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):
        return "somebody"
