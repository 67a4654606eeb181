"""A decoded row, and how its values are picked out of it: once for each row of each request."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from operator import itemgetter
from typing import Any

Row = tuple[Any, ...]


def picker(places: Sequence[int]) -> Callable[[Row], Row]:
    """The values at some places of a row."""
    if len(places) > 1:
        return itemgetter(*places)
    if not places:
        return lambda _row: ()
    place = places[0]
    return lambda row: (row[place],)
