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

Join = Callable[[pd.DataFrame], pd.DataFrame]
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


def run(quick: bool = False) -> list[dict[str, Any]]:
    """Figures of both sides: median seconds, rows kept, whether the order is kept."""
    rows, facts, rounds = (10_000, 100_000, 1) if quick else (100_000, 1_000_000, 3)
    asked, history = _asked(rows), _history(facts)
    with tempfile.TemporaryDirectory() as folder:
        profile = Profile.model_validate({"apiVersion": "mizzen.dev/v1", "kind": "Profile"})
        place = Place("bench", Path(folder), profile)
        FeastSource(place).apply([VIEW], {"visits": history})
        work = f"{rows:,} rows on {facts:,}"
        sides = {"mizzen": _ours(place), "feast, default file store": _default(place)}
        found = _measured(sides, asked, rounds)
    return [{"who": who, "work": work, **figures} for who, figures in found.items()]


def _asked(rows: int) -> pd.DataFrame:
    random = np.random.default_rng(1)
    # few enough instants that some customers are asked for twice at one of them
    instants = random.integers(YEAR // 2, YEAR, max(rows // 1000, 1))
    return pd.DataFrame(
        {
            "customer": [f"c{n}" for n in random.integers(0, rows, rows)],
            TIME: pd.to_datetime(random.choice(instants, rows), unit="s", utc=True),
            ROW: np.arange(rows),
        }
    )


def _history(facts: int) -> pd.DataFrame:
    """Ten facts a customer, the first at the very beginning: every row that is asked for has a
    past (Feast's default drops those without one as well)."""
    random = np.random.default_rng(2)
    customers = facts // 10
    known = random.integers(0, YEAR, facts)
    known[:customers] = 0
    return pd.DataFrame(
        {
            "customer": [f"c{n % customers}" for n in range(facts)],
            TIME: pd.to_datetime(known, unit="s", utc=True),
            **{f"x{number}": random.normal(size=facts) for number in range(4)},
        }
    )


def _ours(place: Place) -> Join:
    return lambda asked: FeastSource(place).training_frame(asked, TIME, [VIEW])


def _default(place: Place) -> Join:
    config = Repository(place).config.model_copy()
    config.offline_config = {"type": "dask"}
    config._offline_store = None  # made anew from the line above
    store = feast().FeatureStore(config=config)
    refs = [f"{name_of(VIEW)}:{column.name}" for column in VIEW.columns]
    return lambda asked: store.get_historical_features(asked, refs).to_df()


def _measured(sides: dict[str, Join], asked: pd.DataFrame, rounds: int) -> dict[str, Any]:
    seconds: dict[str, list[float]] = {who: [] for who in sides}
    frames: dict[str, pd.DataFrame] = {}
    for number in range(rounds + 1):  # the first round imports; the sides take turns
        for who in list(sides)[:: 1 if number % 2 == 0 else -1]:
            began = time.perf_counter()
            frames[who] = sides[who](asked.copy())
            seconds[who].append(time.perf_counter() - began)
    return {
        who: {
            "seconds": round(statistics.median(seconds[who][1:]), 3),
            "rows kept": len(frame),
            "rows lost": len(asked) - len(frame),
            "order kept": bool(np.array_equal(frame[ROW].to_numpy(), asked[ROW].to_numpy())),
        }
        for who, frame in frames.items()
    }


if __name__ == "__main__":
    for figure in run(quick=False):
        print(figure)
