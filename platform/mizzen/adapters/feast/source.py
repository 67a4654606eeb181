"""`FeatureSource` on Feast. The features step and the service call it through the table."""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Protocol

from mizzen.adapters.backends import missing
from mizzen.adapters.feast.definitions import column_name, name_of
from mizzen.adapters.feast.entity_frame import guard, question
from mizzen.adapters.feast.history import load, stored_form
from mizzen.adapters.feast.keys import request_keys
from mizzen.adapters.feast.postgres_online import PostgresValues
from mizzen.adapters.feast.postgres_repository import PostgresRepository
from mizzen.adapters.feast.repository import Note, Repository
from mizzen.adapters.feast.sqlite_online import OnlineValues
from mizzen.adapters.feast.versioned_values import EntityQuestion, Key, KnownValues, Values
from mizzen.core.place import Place
from mizzen.errors import InvalidData
from mizzen.ports.data import DeclaredView, FeatureSource
from mizzen.spec.duration import to_timedelta
from mizzen.spec.features import FeatureView

if TYPE_CHECKING:
    import pandas as pd

    from mizzen.adapters.feast.history import Columns
    from mizzen.ports.data import Tables

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)


class OnlineStore(Protocol):
    """The newest values by key; see `OnlineValues`."""

    def read(self, asked: Sequence[EntityQuestion]) -> list[list[KnownValues | None]]:
        """For each view the newest values of each key."""

    def write(self, view: FeatureView, values: Columns) -> int:
        """Store the newest row of each key, unless a newer one is there; how many were stored."""

    def load(self, view: FeatureView, history: Columns, until: int, rewind: bool) -> int:
        """Make what is stored follow a history, see `loading`; how many keys hold a value."""


class FeastSource(FeatureSource):
    """Features of one project, in the Feast repository of its home."""

    def __init__(self, place: Place) -> None:
        self._repository, self._online = self._stores(place)
        self._store: Any = None  # with the definitions that this instance applied

    def _stores(self, place: Place) -> tuple[Repository, OnlineStore]:
        if importlib.util.find_spec("feast") is None:
            raise missing("feast", "feast")
        repository = Repository(place)
        return repository, OnlineValues(repository)

    def apply(self, views: Sequence[FeatureView], sources: Tables) -> dict[str, str]:
        """See the port. Histories are kept under the hash of their content: whoever applied
        before keeps joining what it applied."""
        kept = self._repository.sources
        histories = [
            (view, kept.keep(view, stored_form(view, sources[view.name]))) for view in views
        ]
        self._store = self._repository.declare(histories)
        return {view.name: history.digest for view, history in histories}

    def holds(self, view: str, version: str, history: str) -> bool:
        """See the port. Feast is not imported: this is asked before every run."""
        return self._repository.holds(f"{view}_{version}", history)

    def declared(self) -> list[DeclaredView]:
        """See the port."""
        notes = sorted(self._repository.present().items(), key=lambda item: item[1].at)
        found = [_declared(name, note) for name, note in notes]
        return sorted(found, key=lambda one: one.view)

    def remove(self, views: Sequence[DeclaredView]) -> None:
        """See the port."""
        if views:
            self._repository.remove({f"{one.view}_{one.version}": one.at for one in views})
            self._store = None

    def training_frame(
        self, rows: pd.DataFrame, event_time: str, views: Sequence[FeatureView]
    ) -> pd.DataFrame:
        """See the port.

        Raises:
            IntegrityError: the store gave other rows, or another order, than was asked for.
            InvalidData: no entity column, or event times without zone.
        """
        asked = question(rows, event_time, views)
        refs = [f"{name_of(v)}:{column_name(c.name)}" for v in views for c in v.columns]
        store = self._store or self._repository.open(
            {name_of(view): str(self._repository.history(view)) for view in views}
        )
        given = store.get_historical_features(entity_df=asked, features=refs).to_df()
        guard(asked, given)
        names = [column.name for view in views for column in view.columns]
        return rows.assign(**{name: given[column_name(name)].to_numpy() for name in names})

    def push(self, view: FeatureView, values: pd.DataFrame) -> None:
        """See the port."""
        self._online.write(view, stored_form(view, values))

    def materialize(
        self, views: Sequence[FeatureView], until: datetime, rewind: bool = False
    ) -> int:
        """See the port."""
        instant = _instant(until)
        count = 0
        for view in views:
            history = load(view, self._repository.history(view))
            count += self._online.load(view, history, instant, rewind)
        return count

    def online(
        self,
        views: Sequence[FeatureView],
        entities: Mapping[str, Sequence[Any]],
        at: Sequence[datetime],
    ) -> Mapping[str, Sequence[Any]]:
        """See the port. A value that became known after a row's time counts as unknown: what
        the store held before is gone, and training would not have seen the newer one."""
        instants = [_instant(time) for time in at]
        asked = [(view, _keys(view, entities)) for view in views]
        answer: dict[str, Sequence[Any]] = {}
        for view, found in zip(views, self._online.read(asked), strict=True):
            ttl = to_timedelta(view.ttl) // MICROSECOND
            empty = (None,) * len(view.columns)
            rows = [_valid(k, i, ttl, empty) for k, i in zip(found, instants, strict=True)]
            for index, column in enumerate(view.columns):
                answer[column.name] = [row[index] for row in rows]
        return answer


class PostgresSource(FeastSource):
    """Features of one project in a PostgreSQL that several machines share. `online` and `push`
    need psycopg alone; declaring, joining and materializing need Feast."""

    def _stores(self, place: Place) -> tuple[Repository, OnlineStore]:
        repository = PostgresRepository(place)
        return repository, PostgresValues(repository.project)


def _declared(name: str, note: Note) -> DeclaredView:
    view, _, version = name.rpartition("_")
    ends = None if note.ends is None else EPOCH + note.ends * MICROSECOND
    return DeclaredView(view, version, note.history, ends, note.at)


def _keys(view: FeatureView, entities: Mapping[str, Sequence[Any]]) -> list[Key]:
    return list(
        zip(*(request_keys(entities[column], column) for column in view.entity), strict=True)
    )


def _valid(known: KnownValues | None, at: int, ttl: int, empty: Values) -> Values:
    if known is None or not at - ttl <= known[0] <= at:
        return empty
    return known[1]


def _instant(time: datetime) -> int:
    if time.tzinfo is None:
        raise InvalidData("a time without a zone", given=time, next_step="add its zone: ...Z")
    return (time - EPOCH) // MICROSECOND
