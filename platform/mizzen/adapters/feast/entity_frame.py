"""What is asked of Feast for a training frame, and the check that the answer fits the question."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from mizzen.adapters.feast.definitions import TIME, column_name
from mizzen.adapters.feast.history import microseconds
from mizzen.adapters.feast.keys import text_keys
from mizzen.errors import IntegrityError, InvalidData
from mizzen.spec.features import FeatureView

if TYPE_CHECKING:
    import pandas as pd

ROW = "mizzen_row"


def question(rows: pd.DataFrame, event_time: str, views: Sequence[FeatureView]) -> pd.DataFrame:
    """One line per row: its number, its time and its keys as text.

    Raises:
        InvalidData: an entity column is missing, or times are null or without zone.
    """
    import pandas as pd

    entity = list(dict.fromkeys(column for view in views for column in view.entity))
    missing = [name for name in (event_time, *entity) if name not in rows.columns]
    if missing:
        raise InvalidData(
            f"the rows lack columns that the feature views need: {', '.join(missing)}",
            given=", ".join(map(str, rows.columns)),
            next_step="add them to the table of rows, or fix `entity` and `event_time`",
        )
    instants = microseconds(rows[event_time], f"column {event_time!r}")
    keys = {
        column_name(name): pd.Series(text_keys(rows[name], f"{name!r} of the rows"), dtype=object)
        for name in entity
    }
    times = pd.to_datetime(instants, unit="us", utc=True)
    return pd.DataFrame({ROW: np.arange(len(rows)), TIME: times, **keys})


def guard(asked: pd.DataFrame, given: pd.DataFrame) -> None:
    """Refuse an answer that lost, doubled or moved rows.

    Raises:
        IntegrityError: always worth a report; training on it would pair rows and labels wrongly.
    """
    if len(given) != len(asked):
        raise IntegrityError(
            "the feature store returned another number of rows",
            given=len(given),
            allowed=len(asked),
            next_step="do not train on it; look at the feature views' histories",
        )
    moved = int((given[ROW].to_numpy() != asked[ROW].to_numpy()).sum())
    if moved:
        raise IntegrityError(
            "the feature store returned the rows in another order", given=f"{moved} rows moved"
        )
