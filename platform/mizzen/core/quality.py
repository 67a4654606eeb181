"""On which windows quality is judged, and when. Pure: instants are passed in.

Labels come late, so a window of quality is not the newest stretch of time. Event time is cut
into windows of one length, counted from 1970-01-01T00:00:00Z: the same windows whatever is asked
and in whatever order. A window is judged once the declared share of its predictions has labels,
or the declared delay after its end has passed; and again whenever its labels changed.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from mizzen.spec.data import Label
from mizzen.spec.duration import to_timedelta
from mizzen.spec.operation import Monitoring

_BEGIN = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class QualityPolicy:
    """`share` of a window's predictions that must be labelled for a verdict before `delay`
    after its end; `min_rows` labels at least, always."""

    length: timedelta
    share: float
    delay: timedelta
    min_rows: int

    @classmethod
    def of(cls, monitoring: Monitoring, label: Label) -> QualityPolicy:
        """As a project declares it, or leaves it open."""
        quality = monitoring.quality
        length = quality.window or monitoring.window
        delay = quality.delay or label.delay or length
        return cls(to_timedelta(length), quality.labels, to_timedelta(delay), monitoring.min_rows)

    def index(self, seconds: float) -> int:
        """The window that holds an event, by its seconds since the epoch."""
        return int(seconds // self.length.total_seconds())

    def window(self, index: int) -> tuple[datetime, datetime]:
        """Half open."""
        start = _BEGIN + index * self.length
        return start, start + self.length

    def waits_for(
        self, end: datetime, now: datetime, predictions: int, labelled: int
    ) -> str | None:
        """Why a window cannot be judged at `now`; None when it can."""
        told, due = labels_of(labelled, predictions), end + self.delay
        if labelled < self.share * predictions and now < due:
            rest = f"at {due:%FT%TZ} with what is there"
            return f"{told}; judged from {100 * self.share:g} % on, or {rest}"
        if labelled < self.min_rows:
            return f"{told}; monitoring.min_rows is {self.min_rows}"
        return None


def labels_of(labelled: int, predictions: int) -> str:
    """The share of labels, in words; never rounded up to a share that it has not."""
    share = math.floor(1000 * labelled / predictions) / 10 if predictions else 0.0
    return f"labels for {labelled} of {predictions} predictions ({share:g} %)"
