"""What an analyst would compute of quality from the same log, in plain pandas.

A log is generated as a list of events in the order in which they reach the log: predictions,
labels (late, twice, corrected, wrong), and looks at some instant. Nothing here is shared with
the product but the meaning of the settings.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd

LENGTH = timedelta(days=10)
EPOCH = pd.Timestamp("1970-01-01", tz="UTC")
WRONG = ("maybe", 7, "nan", -1.0, float("nan"), float("inf"), "", "True", "1e999")
RIGHT = {0: (0, 0.0, "0"), 1: (1, 1.0, "1")}


@dataclass(frozen=True)
class Settings:
    """`share`, `delay` and `min_rows` as a project declares them."""

    share: float
    delay: timedelta
    min_rows: int


@dataclass(frozen=True)
class Predicted:
    id: str
    at: datetime
    load: float
    score: float


@dataclass(frozen=True)
class Labelled:
    id: str
    value: Any
    at: datetime


@dataclass(frozen=True)
class Look:
    now: datetime


Event = Predicted | Labelled | Look


def events_of(rng: np.random.Generator, begin: datetime) -> list[Event]:
    """A generated log: six weeks or so of predictions, their labels in some order, and looks."""
    count = int(rng.integers(80, 420))
    span = float(rng.integers(12, 60)) * 86_400
    sent = [
        _prediction(rng, n, begin + timedelta(seconds=float(rng.random()) * span))
        for n in range(count)
    ]
    sent += [sent[int(n)] for n in rng.integers(0, count, 3)]  # repeated requests
    speed = rng.exponential([0.5, 12.0], size=(count, 2)) * float(rng.choice([0.2, 1.0, 2.0]))
    labels = [
        label
        for number, each in enumerate(sent[:count])
        for label in _labels(rng, each, speed[number], float(rng.choice([0.0, 0.1])))
    ]
    end = begin + timedelta(seconds=span)
    looks = [Look(begin + (end - begin) * float(part)) for part in rng.uniform(0.2, 2.5, 4)]
    looks += [looks[int(n)] for n in rng.integers(0, len(looks), 1)]  # asked again
    events: list[Event] = [*sent, *labels, *looks]
    # by hour where it is a log of its own time; else in any order at all
    order = rng.permutation(len(events))
    if rng.random() < 0.5:
        order = np.array(sorted(order, key=lambda n: _instant(events[n])))
    return [*(events[n] for n in order), Look(end + timedelta(days=200))]


def _prediction(rng: np.random.Generator, number: int, at: datetime) -> Predicted:
    load = float(rng.normal())
    return Predicted(f"g{number}", at, load, float(1 / (1 + np.exp(1.5 - 1.5 * load))))


def _labels(
    rng: np.random.Generator, of: Predicted, speed: np.ndarray, wrong: float
) -> list[Labelled]:
    """None, one, or several of one prediction: the true one, corrections, and no labels."""
    if rng.random() < 0.08:
        return []
    truth = int(rng.random() < of.score)
    at = of.at + timedelta(days=float(speed[1 - truth]))
    found = [Labelled(of.id, _written(rng, truth), at)]
    while rng.random() < 0.15:
        later = at + timedelta(days=float(rng.choice([0, 0, 3])))
        found.append(Labelled(of.id, _written(rng, int(rng.integers(2))), later))
    if rng.random() < wrong:
        found.append(Labelled(of.id, WRONG[int(rng.integers(len(WRONG)))], at))
    return found


def _written(rng: np.random.Generator, value: int) -> Any:
    return RIGHT[value][int(rng.integers(3))]


def _instant(event: Event) -> datetime:
    return event.now if isinstance(event, Look) else event.at


def oracle(past: Sequence[Event], now: datetime, settings: Settings) -> pd.DataFrame:
    """The windows that ended by `now`, by what reached the log before: one row each, by `end`,
    with predictions, labelled, wrong, judged and value (the AUC; NaN where it is not judged)."""
    made = pd.DataFrame(
        [(e.id, e.at, e.score) for e in past if isinstance(e, Predicted)],
        columns=["id", "at", "score"],
    )
    if made.empty:
        return _table([])
    made = made.drop_duplicates("id", keep="first")
    told = pd.DataFrame(
        [(e.id, e.value, e.at) for e in past if isinstance(e, Labelled)],
        columns=["id", "value", "known"],
    )
    told = told[pd.to_datetime(told["known"], utc=True) <= now]
    newest = told.sort_values("known", kind="stable").drop_duplicates("id", keep="last")
    rows = made.merge(newest, on="id", how="left")
    rows["label"] = [_class(value) for value in rows["value"]]
    rows["end"] = EPOCH + ((rows["at"] - EPOCH) // LENGTH + 1) * LENGTH
    ended = rows[rows["end"] <= now]
    return _table([_verdict(end, part, now, settings) for end, part in ended.groupby("end")])


def _class(value: Any) -> float:
    return next(
        (float(k) for k, ways in RIGHT.items() if any(_same(value, w) for w in ways)), np.nan
    )


def _same(one: Any, two: Any) -> bool:
    return isinstance(one, str) == isinstance(two, str) and bool(one == two)


def _verdict(end: Any, part: pd.DataFrame, now: datetime, settings: Settings) -> dict[str, Any]:
    known = part[part["label"].notna()]
    enough = len(known) >= settings.share * len(part) or now >= end + settings.delay
    judged = enough and len(known) >= settings.min_rows and known["label"].nunique() == 2
    wrong = part["id"].map(dict(zip(part["id"], part["known"].notna(), strict=True)))
    return {
        "end": end,
        "predictions": len(part),
        "labelled": len(known),
        "wrong": int((wrong & part["label"].isna()).sum()),
        "judged": bool(judged),
        "value": _auc(known) if judged else np.nan,
    }


def _auc(known: pd.DataFrame) -> float:
    ranks = known["score"].rank()
    ones = int((known["label"] == 1).sum())
    zeros = len(known) - ones
    return float((ranks[known["label"] == 1].sum() - ones * (ones + 1) / 2) / (ones * zeros))


def _table(rows: list[dict[str, Any]]) -> pd.DataFrame:
    columns = ["end", "predictions", "labelled", "wrong", "judged", "value"]
    return pd.DataFrame(rows, columns=columns).sort_values("end", ignore_index=True)
