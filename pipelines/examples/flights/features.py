"""What was known about the origin, the carrier and the aircraft, hour by hour.

Mizzen calls each function with the tables of `data.py`. Values stand on a grid of full hours:
`event_timestamp` is the hour at which everything in the row was known. A store that is
refreshed each hour therefore serves exactly what training saw.
"""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

Tables = Mapping[str, pd.DataFrame]
HOUR = pd.Timedelta(hours=1)
RECENT = 3  # hours that count as recent


def origin_weather(tables: Tables) -> pd.DataFrame:
    """The last observation at each origin."""
    return tables["weather"].rename(columns={"known_at": "event_timestamp"})


def aircraft(tables: Tables) -> pd.DataFrame:
    """Age and size of each aircraft; the register is known from the start."""
    planes = tables["planes"]
    return pd.DataFrame(
        {
            "tailnum": planes["tailnum"],
            "event_timestamp": pd.Timestamp("2012-12-31", tz="UTC"),
            "aircraft_age": 2013 - planes["year"],
            "seats": planes["seats"].astype("float64"),
        }
    )


def origin_delays(tables: Tables) -> pd.DataFrame:
    """How late flights from each origin recently left, landed, or still wait."""
    return _delays(tables["movements"], "origin")


def carrier_delays(tables: Tables) -> pd.DataFrame:
    """The same for each carrier."""
    return _delays(tables["movements"], "carrier")


def _delays(movements: pd.DataFrame, entity: str) -> pd.DataFrame:
    """One row per entity and hour; null where nothing happened in the recent hours."""
    grid = _grid(movements, entity)
    departed = _recent(movements, entity, "departed_at", "departure_delay", grid)
    landed = _recent(movements, entity, "landed_at", "arrival_delay", grid)
    late = movements.assign(late=(movements["arrival_delay"] > 15).astype("float64"))
    values = {
        "departure_delay": departed,
        "arrival_delay": landed,
        "late_share": _recent(late, entity, "landed_at", "late", grid),
        "waiting_share": _waiting(movements, entity, grid),
    }
    named = {f"{entity}_{name}": series for name, series in values.items()}
    return pd.DataFrame(named, index=grid).reset_index()


def _grid(movements: pd.DataFrame, entity: str) -> pd.MultiIndex:
    first = movements["scheduled_at"].min().ceil("h")
    last = movements["landed_at"].max().ceil("h")
    hours = pd.date_range(first, last, freq="h", name="event_timestamp")
    entities = movements[entity].drop_duplicates().sort_values()
    return pd.MultiIndex.from_product([entities, hours], names=[entity, "event_timestamp"])


def _recent(
    movements: pd.DataFrame, entity: str, known: str, value: str, grid: pd.MultiIndex
) -> pd.Series:
    """Mean of `value` over what became known in the recent hours before each hour."""
    facts = movements.dropna(subset=[known, value])
    hour = facts[known].dt.ceil("h").rename("event_timestamp")
    hourly = facts.groupby([facts[entity], hour])[value].agg(["sum", "count"])
    window = _window(hourly.reindex(grid, fill_value=0), entity)
    return window["sum"] / window["count"].where(window["count"] > 0)


def _waiting(movements: pd.DataFrame, entity: str, grid: pd.MultiIndex) -> pd.Series:
    """Of the flights scheduled in the recent hours, the share that has not departed yet.

    A cancelled flight waits until it is no longer recent: nothing else was known of it here.
    """
    due = movements["scheduled_at"].dt.ceil("h").rename("event_timestamp")
    scheduled = movements.groupby([movements[entity], due]).size().reindex(grid, fill_value=0)
    waiting = pd.Series(0, index=grid)
    for hours in range(RECENT):
        seen = due + hours * HOUR
        still = ~(movements["departed_at"] <= seen)
        counts = movements[still].groupby([movements[entity], seen]).size()
        waiting = waiting + counts.reindex(grid, fill_value=0)
    total = _window(scheduled, entity)
    return waiting / total.where(total > 0)


def _window(hourly: pd.DataFrame, entity: str) -> pd.DataFrame:
    sums = hourly.groupby(level=entity).rolling(RECENT, min_periods=1).sum()
    return sums.droplevel(0)
