"""Point-in-time join of 100,000 rows on 1,000,000 of history, beside Feast's default store.

Both sides answer the same `get_historical_features` of one Feast repository in one process on
the same history file; only the configured offline store differs. Feast's own loses rows that
ask for the same entity at the same instant, and returns another order.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from mizzen.adapters.feast.definitions import TIME, name_of
from mizzen.adapters.feast.library import feast
from mizzen.adapters.feast.repository import Repository
from mizzen.adapters.feast.source import FeastSource
from mizzen.core.place import Place
from mizzen.spec.features import FeatureView
from mizzen.spec.profile import Profile

ROW = "row"
YEAR = 365 * 24 * 3600
VIEW = FeatureView.model_validate(
    {
        "name": "visits",
        "entity": ["customer"],
        "source": "bench:visits",
        "ttl": "3650d",
        "columns": [{"name": f"x{number}"} for number in range(4)],
    }
)


def run(quick: bool) -> list[dict[str, Any]]:
    """Figures of both sides: median seconds, rows kept, whether the order is kept."""
    rows, facts, rounds = (10_000, 100_000, 1) if quick else (100_000, 1_000_000, 3)
    asked, history = _asked(rows), _history(facts)
    with tempfile.TemporaryDirectory() as folder:
        profile = Profile.model_validate({"apiVersion": "mizzen.dev/v1", "kind": "Profile"})
        place = Place("bench", Path(folder), profile)
        FeastSource(place).apply([VIEW], {"visits": history})
        work = f"{rows:,} rows on {facts:,}"
        return [
            _measured("mizzen", work, _ours(place), asked, rounds),
            _measured("feast, default file store", work, _default(place), asked, rounds),
        ]


def _asked(rows: int) -> pd.DataFrame:
    random = np.random.default_rng(1)
    # few enough instants that some customers are asked for twice at one of them, and late
    # enough that every customer has a past: Feast's default drops rows without one as well
    instants = random.integers(YEAR // 2, YEAR, rows // 100)
    seconds = random.choice(instants, rows)
    return pd.DataFrame(
        {
            "customer": [f"c{n}" for n in random.integers(0, 10_000, rows)],
            TIME: pd.to_datetime(seconds, unit="s", utc=True),
            ROW: np.arange(rows),
        }
    )


def _history(facts: int) -> pd.DataFrame:
    random = np.random.default_rng(2)
    values = {f"x{number}": random.normal(size=facts) for number in range(4)}
    return pd.DataFrame(
        {
            "customer": [f"c{n}" for n in random.integers(0, 10_000, facts)],
            TIME: pd.to_datetime(random.integers(0, YEAR, facts), unit="s", utc=True),
            **values,
        }
    )


def _ours(place: Place) -> Callable[[pd.DataFrame], pd.DataFrame]:
    return lambda asked: FeastSource(place).training_frame(asked, TIME, [VIEW])


def _default(place: Place) -> Callable[[pd.DataFrame], pd.DataFrame]:
    config = Repository(place).config.model_copy()
    config.offline_config = {"type": "dask"}
    config._offline_store = None  # made anew from the line above
    store = feast().FeatureStore(config=config)
    refs = [f"{name_of(VIEW)}:{column.name}" for column in VIEW.columns]
    return lambda asked: store.get_historical_features(asked, refs).to_df()


def _measured(
    who: str,
    work: str,
    join: Callable[[pd.DataFrame], pd.DataFrame],
    asked: pd.DataFrame,
    rounds: int,
) -> dict[str, Any]:
    seconds = []
    for _ in range(rounds + 1):  # the first round imports
        began = time.perf_counter()
        frame = join(asked.copy())
        seconds.append(time.perf_counter() - began)
    return {
        "who": who,
        "work": work,
        "seconds": round(statistics.median(seconds[1:]), 3),
        "rows kept": len(frame),
        "rows lost": len(asked) - len(frame),
        "order kept": bool(np.array_equal(frame[ROW].to_numpy(), asked[ROW].to_numpy())),
    }


if __name__ == "__main__":
    for figure in run(quick=False):
        print(figure)
