"""Up to when labels are complete: known for each kind of outcome, not for the faster one alone.

Where positives are known after a day and negatives after two weeks, the newest labelled rows are
all positive. They are on neither side: a model would learn it, drift's seasons would hold it, and
an evaluation would be measured on it. Nor is a label that became known after the window's end.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from mizzen.spec.data import Data, Label
from mizzen.spec.duration import to_timedelta

if TYPE_CHECKING:
    import pandas as pd

MOST = 0.99  # share of each outcome's labels that is there when labels count as complete


@dataclass(frozen=True, slots=True)
class CompleteRows:
    """`rows`: labelled rows up to where labels are complete. `end`: that instant, None without
    event times. `delay`: after an event, until the slowest outcome is known; `measured` on the
    rows, else declared. `incomplete`: labelled rows that are left out."""

    rows: pd.DataFrame
    end: pd.Timestamp | None
    delay: pd.Timedelta
    measured: bool
    incomplete: int

    def __str__(self) -> str:
        how = "measured" if self.measured else "declared"
        until = "the end" if self.end is None else self.end.isoformat()
        return f"labels complete up to {until}, {self.delay} after the event ({how})"


def complete_rows(
    labelled: pd.DataFrame, data: Data, label: Label, task: str, end: str
) -> CompleteRows:
    """Labelled rows whose labels were known at the window's end, and those of all others then.

    Args:
        labelled: rows with a label, with their event and label times.
        end: of the window; "" is the newest instant that the rows tell of.
    """
    import pandas as pd

    if data.event_time is None or len(labelled) == 0:
        return CompleteRows(labelled, None, pd.Timedelta(0), False, 0)
    times = labelled[data.event_time]
    known = known_at(labelled, times, label)
    newest: pd.Timestamp = max(times.max(), known.max())
    last = pd.Timestamp(datetime.fromisoformat(end)).tz_convert("UTC") if end else newest
    delay = _delay(times, known, labelled[label.column], label, task, last)
    inside = (known <= last) & (times + delay <= last)
    rows = labelled[inside]
    return CompleteRows(rows, last - delay, delay, label.time is not None, int((~inside).sum()))


def known_at(rows: pd.DataFrame, times: pd.Series[Any], label: Label) -> pd.Series[Any]:
    """When each label became known; at once, where the project says nothing."""
    if label.time is not None:
        return rows[label.time]
    return times if label.delay is None else times + to_timedelta(label.delay)


def _delay(
    times: pd.Series[Any],
    known: pd.Series[Any],
    labels: pd.Series[Any],
    label: Label,
    task: str,
    last: pd.Timestamp,
) -> pd.Timedelta:
    """After an event, until nearly all labels of the slowest outcome are known."""
    import pandas as pd

    if label.time is None:
        return pd.Timedelta(to_timedelta(label.delay) if label.delay else 0)
    there = known <= last
    taken, outcome = (known - times)[there], _outcomes(labels[there], task)
    first = _slowest(taken, outcome)
    # of the newest rows only fast labels are there: they would make the delay look short
    old = times[there] <= last - first
    return max(first, _slowest(taken[old], outcome[old]), pd.Timedelta(0))


def _outcomes(labels: pd.Series[Any], task: str) -> pd.Series[Any]:
    """Classes; of numbers, those above the middle one and the others."""
    import pandas as pd

    if task != "regression":
        return labels
    numbers = pd.to_numeric(labels, errors="coerce")  # what is none is refused in its place
    return numbers > numbers.median()


def _slowest(taken: pd.Series[Any], outcome: pd.Series[Any]) -> pd.Timedelta:
    import pandas as pd

    if len(taken) == 0:
        return pd.Timedelta(0)
    return pd.Timedelta(taken.groupby(outcome).quantile(MOST, interpolation="higher").max())
