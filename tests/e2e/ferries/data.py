"""Ferries of 60 days, slower in a wind that is measured every hour, long past the last one."""

import numpy as np
import pandas as pd

START = pd.Timestamp("2024-03-01", tz="UTC")
PORTS = np.array(["Dover", "Calais"])


def load():
    rng = np.random.default_rng(3)
    hours = pd.DataFrame({"hour": np.arange(24 * 90)})
    blown = [
        pd.DataFrame(
            {
                "port": port,
                "at": START + pd.to_timedelta(hours["hour"], unit="h"),
                "knots": 10 + 8 * np.sin(hours["hour"] / 17 + shift),
            }
        )
        for shift, port in enumerate(PORTS)
    ]
    count = 3000
    minutes = np.sort(rng.integers(0, 60 * 24 * 60, count))
    crossings = pd.DataFrame(
        {
            "crossing": np.arange(count),
            "leaves": START + pd.to_timedelta(minutes, unit="min"),
            "port": rng.choice(PORTS, count),
            "cars": rng.integers(0, 100, count).astype("float64"),
        }
    )
    known = pd.concat(blown)
    at = crossings.assign(at=crossings["leaves"].dt.floor("h"))
    knots = at.merge(known, on=["port", "at"], how="left")["knots"]
    crossings["minutes"] = 80 + knots + 0.1 * crossings["cars"] + rng.normal(0, 1, count)
    return {"crossings": crossings, "wind": known}


def wind(tables):
    return tables["wind"].rename(columns={"at": "event_timestamp"})
