"""Prediction ids: UUIDs of version 7, so that they sort by time of making."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable
from uuid import NAMESPACE_URL, uuid5

_COUNTS = 1 << 12
_VARIANTS = dict(zip("0123456789abcdef", "89ab" * 4, strict=True))  # two bits of noise remain


class IdMaker:
    """Makes ids that rise within one maker and never repeat over all of them."""

    def __init__(self) -> None:
        self._last = 0

    def make(self, count: int) -> list[str]:
        """Rising ids: 48 bits of milliseconds, 12 of a counter, 62 of randomness."""
        first = max(time.time_ns() // 1_000_000 * _COUNTS, self._last + 1)
        self._last = first + count - 1
        noise = os.urandom(8 * count).hex()
        return [
            _text(first + number, noise[16 * number : 16 * number + 16]) for number in range(count)
        ]


def _text(moment: int, noise: str) -> str:
    made = "%015x" % moment  # noqa: UP031 - half the time of an f-string
    return f"{made[:8]}-{made[8:12]}-7{made[12:]}-{_VARIANTS[noise[0]]}{noise[1:4]}-{noise[4:]}"


def id_of_key(project: str, key: Iterable[object]) -> str:
    """The same id for the same row, whoever asks and how often: a replay that is started again
    repeats no prediction (UUID of version 5)."""
    return str(uuid5(NAMESPACE_URL, "\x1f".join((project, *map(str, key)))))
