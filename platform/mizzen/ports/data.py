"""The seams to data: versions, validation and features. Tables are pandas DataFrames."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from mizzen.core.views import VersionedView
from mizzen.spec.data import Expectation

if TYPE_CHECKING:
    import pandas as pd

    Tables = Mapping[str, pd.DataFrame]


class DataVersions(Protocol):
    """Immutable, content-addressed data."""

    def snapshot(self, folder: Path) -> str:
        """Store a folder's content; its version is a hash of nothing but that content."""

    def fetch(self, version: str, into: Path) -> Path:
        """The folder of that version, bit-equal, or IntegrityError / NotFound."""

    def annotate(self, version: str, name: str, document: Mapping[str, Any]) -> None:
        """Attach a JSON document (a validation result, a profile) to a version."""

    def annotations(self, version: str) -> Mapping[str, Any]:
        """All documents attached to a version, by name."""


@dataclass(frozen=True, slots=True)
class Check:
    """One expectation's result. `rows`: up to ten failing rows, as records."""

    expect: str
    table: str
    column: str | None
    success: bool
    severity: str
    observed: str
    failing: int = 0
    rows: Sequence[Mapping[str, Any]] = field(default_factory=tuple)


class Validator(Protocol):
    """Checks tables against expectations."""

    def validate(
        self, tables: Tables, rows: str, expectations: Sequence[Expectation]
    ) -> list[Check]:
        """One check per expectation, in order; `rows` names the default table."""


@dataclass(frozen=True, slots=True)
class DeclaredView:
    """A version of a view in the feature store. `history`: digest of its present one; `ends`: the
    instant of the newest value in it, None where it holds none; `at`: when it was declared."""

    view: str
    version: str
    history: str
    ends: datetime | None
    at: datetime


class FeatureSource(Protocol):
    """Features with event times: joined point in time for training, by key for serving. Each
    version of a view has its own history and its own values."""

    def apply(self, views: Sequence[VersionedView], sources: Tables) -> Mapping[str, str]:
        """Declare the views with their history; view name -> the history's digest.
        `sources`: view name -> entity columns, `event_timestamp`, feature columns."""

    def holds(self, view: str, version: str, history: str) -> bool:
        """Whether the present history of a view's version is the one of this digest. Imports no
        large library."""

    def declared(self) -> list[DeclaredView]:
        """Every version of every view that has a history here, by name, the oldest declaration
        first. Imports no large library."""

    def remove(self, views: Sequence[DeclaredView]) -> None:
        """Forget these versions, unless declared since: definition, histories, online values.
        Killed anywhere, another call removes the rest; meanwhile no remembered result of theirs
        is used."""

    def training_frame(
        self, rows: pd.DataFrame, event_time: str, views: Sequence[VersionedView]
    ) -> pd.DataFrame:
        """`rows` with the views' columns as known at each row's event time: same rows, same
        order; null where nothing is known or the value is older than the view's ttl."""

    def push(self, view: VersionedView, values: pd.DataFrame) -> None:
        """Make newer values servable; an older event never replaces a newer one."""

    def materialize(
        self, views: Sequence[VersionedView], until: datetime, rewind: bool = False
    ) -> int:
        """Make the online store follow the views' present histories as known at `until`; how
        many entities they know. Up to a history's last instant the history holds: what was
        withdrawn goes, what was corrected is replaced. Beyond it, what was pushed stays. Newer
        values that are there already stay too, unless `rewind` (for a replay): then the store
        holds what was known at `until` and nothing else."""

    def online(
        self,
        views: Sequence[VersionedView],
        entities: Mapping[str, Sequence[Any]],
        at: Sequence[datetime],
    ) -> Mapping[str, Sequence[Any]]:
        """Feature column -> one value per request row; null where nothing is known or the
        value is older than the ttl at that row's time `at`."""
