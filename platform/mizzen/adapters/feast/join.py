"""The point-in-time join of rows with histories. Needs no Feast; `offline` gives it to Feast.

`join` serves whoever has histories at hand and leaves no trace: the gate, when it computes the
champion's features, and batch predictions.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from mizzen.adapters.feast.asof import NONE, Ints, Keys, newest
from mizzen.adapters.feast.definitions import INSTANTS, TIME, column_name
from mizzen.adapters.feast.entity_frame import question
from mizzen.adapters.feast.history import microseconds, stored_form
from mizzen.spec.duration import to_timedelta
from mizzen.spec.features import FeatureView

if TYPE_CHECKING:
    import pandas as pd

    from mizzen.ports.data import Tables


def join(
    rows: pd.DataFrame, event_time: str, views: Sequence[FeatureView], sources: Tables
) -> pd.DataFrame:
    """`rows` with the views' columns as known at each row's event time: same rows, same order;
    null where nothing is known or the value is older than the view's ttl.

    Args:
        sources: view name -> what the view's function returned.

    Raises:
        InvalidData: no entity column, event times without zone, or a key that has no text.
    """
    asked = question(rows, event_time, views)
    at = microseconds(asked[TIME], event_time)
    found: dict[str, NDArray[Any]] = {}
    for view in views:
        history = stored_form(view, sources[view.name])
        keys = [asked[column_name(c)].to_numpy(dtype=object) for c in view.entity]
        fact_keys = [history[column] for column in view.entity]
        facts = {c.name: history[c.name] for c in view.columns}
        ttl = int(to_timedelta(view.ttl).total_seconds() * 1_000_000)
        found |= known_values(facts, (fact_keys, history[INSTANTS]), (keys, at), ttl)
    return rows.assign(**found)


def known_values(
    facts: Mapping[str, NDArray[Any]],
    of: tuple[Keys, Ints],
    asked: tuple[Keys, Ints],
    ttl: int,
) -> dict[str, NDArray[Any]]:
    """For each asked row the newest value of each fact column, null where it is older than `ttl`.

    Args:
        of: keys of the facts, and when they became known (microseconds).
        asked: keys of the rows, and their event times.
        ttl: in microseconds.
    """
    (fact_keys, known), (keys, at) = of, asked
    found = newest(keys, at, fact_keys, known)
    hit = found != NONE
    hit[hit] = known[found[hit]] >= (at - ttl)[hit]
    return {name: _taken(values, found, hit) for name, values in facts.items()}


def _taken(values: Any, found: Any, hit: Any) -> NDArray[Any]:
    empty = np.nan if values.dtype.kind == "f" else None
    taken = np.full(len(found), empty, dtype=values.dtype if values.dtype.kind == "f" else object)
    taken[hit] = values[found[hit]]
    return taken
