"""The seam to the durable record of what was predicted and what turned out to be true."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple, Protocol

from mizzen.core.true_labels import TrueLabel

__all__ = ["LogCounts", "LogWindow", "Prediction", "PredictionLog", "TrueLabel"]


class Prediction(NamedTuple):
    """One answered row. `at`: the row's event time (or arrival, without one).
    `features`: every input as the model saw it before encoding. A tuple, because the service
    makes one for each row that it answers."""

    id: str
    at: datetime
    model: str
    version: int
    key: Mapping[str, Any]
    features: Mapping[str, Any]
    output: float | Sequence[float]
    logged_at: datetime


@dataclass(frozen=True, slots=True)
class LogCounts:
    """Each prediction id and each label's prediction id counts once. `torn`: tails that a
    crash left half-written and that reading skipped. `dropped`: records refused because the
    log was full. `corrupt`: records whose content no longer matches its checksum."""

    predictions: int = 0
    labels: int = 0
    torn: int = 0
    dropped: int = 0
    corrupt: int = 0


@dataclass(frozen=True, slots=True)
class LogWindow:
    """A part of the log by event time, half open; None is unbounded."""

    start: datetime | None = None
    end: datetime | None = None
    version: int | None = field(default=None)


class PredictionLog(Protocol):
    """Append-only. An acknowledged record survives SIGKILL of any process; at most one commit
    window is lost on power failure."""

    def append(self, predictions: Sequence[Prediction]) -> None:
        """Returns once the records have left this process."""

    def label(self, labels: Sequence[TrueLabel]) -> None:
        """Append labels; of one prediction's labels the one known last (`at`) counts, of
        those known at the same time the one appended last."""

    def read(self, window: LogWindow = LogWindow()) -> Iterator[Prediction]:
        """Predictions of a window, in order of appending; the first record of an id counts, so
        that a repeated request is the same prediction. A request that two versions answered
        (one of them shadowed) is a prediction of each for whoever asks for that version."""

    def labels(self, until: datetime | None = None) -> Mapping[str, TrueLabel]:
        """The last label of each prediction id, of those known by `until`."""

    def versions_of(self, ids: Set[str]) -> Mapping[str, int]:
        """Those of the ids that are logged, each with the version that answered (of several,
        the first in the log)."""

    def counts(self) -> LogCounts:
        """How much is there, and what was lost or refused."""

    def check(self) -> None:
        """Raises TemporaryError when appending would be refused now."""

    def close(self) -> None:
        """Make everything durable and end this process's writing."""

    @property
    def unsynced(self) -> int:
        """Bytes of this process that a power failure would lose now."""

    @property
    def refused(self) -> int:
        """Records that this process refused since it began."""
