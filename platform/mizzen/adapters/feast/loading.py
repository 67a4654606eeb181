"""What the online store holds after a view's history was loaded. Pure; both stores ask it.

Up to a history's last instant the history holds, beyond it what was pushed. So a value that was
withdrawn from the history goes, a corrected one is replaced, and a pushed one stays until the
history reaches its instant. Nothing goes back in time, except where a replay rewinds: then the
store is as it was at that instant, and values that became known later come back with the replay.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from mizzen.adapters.feast.definitions import INSTANTS
from mizzen.adapters.feast.versioned_values import Key, keys_of
from mizzen.spec.features import FeatureView

if TYPE_CHECKING:
    from mizzen.adapters.feast.history import Columns

# Stands as the time of creation beside values that came from a history. Feast writes the present,
# or nothing, beside what anyone pushes.
LOADED = datetime(2000, 1, 1, 12, tzinfo=UTC)
NEVER = -(2**63)


@dataclass(frozen=True, slots=True)
class Stored:
    """A key's value online: when it became known (microseconds), and whether it was loaded."""

    at: int
    loaded: bool


@dataclass(frozen=True, slots=True)
class Changes:
    """`write`: key -> its row of the history; `remove`: keys without a value any more; `known`:
    how many keys the history knows. `horizon`: pushed values from after it stay."""

    write: Mapping[Key, int]
    remove: Sequence[Key]
    known: int
    horizon: int


def changes(
    view: FeatureView,
    history: Columns,
    until: int,
    stored: Mapping[Key, Stored],
    rewind: bool,
) -> Changes:
    """What loading a history (rows in stored form) as known at `until` must change."""
    known = history[INSTANTS].tolist()
    horizon = min(until, max(known, default=NEVER))
    limits = {} if rewind else {key: max(until, s.at) for key, s in stored.items() if s.loaded}
    newest: dict[Key, int] = {}
    for key, position in keys_of(view, history):
        if known[position] <= limits.get(key, until):
            newest[key] = position

    def pushed_since(key: Key) -> bool:
        there = stored.get(key)
        return not (rewind or there is None or there.loaded) and there.at > horizon

    write = {key: position for key, position in newest.items() if not pushed_since(key)}
    remove = [key for key in stored if key not in newest and not pushed_since(key)]
    return Changes(write, remove, len(newest), horizon)
