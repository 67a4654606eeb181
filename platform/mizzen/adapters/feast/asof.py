"""The point-in-time join: for each row, the newest fact of its key at its time. Pure numpy."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Keys = Sequence[NDArray[Any]]
NONE = -1


def newest(keys: Keys, at: Ints, fact_keys: Keys, known_at: Ints) -> Ints:
    """Position of the newest fact known at `at` per row, or NONE.

    `keys` and `fact_keys`: one array per key column; null matches nothing. Times are integers
    of one unit. Of facts with equal key and time the last counts.
    """
    rows, facts = _codes(keys, fact_keys)
    instants, rank = np.unique(known_at, return_inverse=True)
    width = len(instants) + 1
    fact_order = facts * width + rank + 1
    order = np.argsort(fact_order, kind="stable")
    place = fact_order[order]
    wanted = rows * width + np.searchsorted(instants, at, side="right")
    found = np.searchsorted(place, wanted, side="right") - 1
    hit = (found >= 0) & (rows >= 0)
    hit[hit] = place[found[hit]] // width == rows[hit]
    positions = np.full(len(at), NONE, dtype=np.int64)
    positions[hit] = order[found[hit]]
    return positions


def _codes(keys: Keys, fact_keys: Keys) -> tuple[Ints, Ints]:
    """Equal keys get equal numbers from 0; a key with a null part gets a negative one."""
    import pandas as pd

    count = len(fact_keys[0])
    total: Ints = np.zeros(count + len(keys[0]), dtype=np.int64)
    null = np.zeros(len(total), dtype=bool)
    for fact_part, part in zip(fact_keys, keys, strict=True):
        codes, uniques = pd.factorize(np.concatenate([fact_part, part]), use_na_sentinel=True)
        null |= codes < 0
        total = total * (len(uniques) + 1) + codes
        total = np.unique(total, return_inverse=True)[1] if len(keys) > 1 else total
    total[null] = NONE
    return total[count:], total[:count]
