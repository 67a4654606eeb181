"""`FeatureSource` on Feast. The features step and the service call it through the table."""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Protocol

from mizzen.adapters.feast.definitions import KNOWN_AT, name_of, version_of
from mizzen.adapters.feast.history import stored_form
from mizzen.adapters.feast.keys import text_keys
from mizzen.adapters.feast.known import Asked, Key, Known, Values
from mizzen.adapters.feast.online import OnlineValues
from mizzen.adapters.feast.postgres_online import PostgresValues
from mizzen.adapters.feast.postgres_repository import PostgresRepository
from mizzen.adapters.feast.question import guard, question
from mizzen.adapters.feast.repository import Repository
from mizzen.adapters.table import missing
from mizzen.adapters.tables import read_table
from mizzen.core.place import Place
from mizzen.errors import InvalidData
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

    def read(self, asked: Sequence[Asked]) -> list[list[Known | None]]:
        """For each view the newest values of each key."""

    def write(self, view: FeatureView, values: Columns, replace: bool = False) -> int:
        """Store the newest row of each key; how many were stored."""


class FeastSource:
    """Features of one project, in the Feast repository of its home."""

    def __init__(self, place: Place) -> None:
        self._repository, self._online = self._stores(place)
        self._store: Any = None  # with the definitions that this instance applied

    def _stores(self, place: Place) -> tuple[Repository, OnlineStore]:
        if importlib.util.find_spec("feast") is None:
            raise missing("feast", "feast")
        repository = Repository(place)
        return repository, OnlineValues(repository)

    def apply(self, views: Sequence[FeatureView], sources: Tables) -> str:
        """See the port. Histories are kept under the hash of their content: whoever applied
        before keeps joining what it applied."""
        kept = self._repository.sources
        histories = [
            (view, kept.keep(name_of(view), stored_form(view, sources[view.name])))
            for view in views
        ]
        self._store = self._repository.declare(histories)
        return version_of(views)

    def training_frame(
        self, rows: pd.DataFrame, event_time: str, views: Sequence[FeatureView]
    ) -> pd.DataFrame:
        """See the port.

        Raises:
            IntegrityError: the store gave other rows, or another order, than was asked for.
            InvalidData: no entity column, or event times without zone.
        """
        asked = question(rows, event_time, views)
        refs = [f"{name_of(v)}:{c.name}" for v in views for c in v.columns]
        store = self._store or self._repository.open(
            {name_of(view): str(self._repository.history(view)) for view in views}
        )
        given = store.get_historical_features(entity_df=asked, features=refs).to_df()
        guard(asked, given)
        names = [column.name for view in views for column in view.columns]
        return rows.assign(**{name: given[name].to_numpy() for name in names})

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
            history = read_table(self._repository.history(view))
            known = history[history[KNOWN_AT] <= instant]
            count += self._online.write(view, stored_form(view, known), replace=rewind)
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


def _keys(view: FeatureView, entities: Mapping[str, Sequence[Any]]) -> list[Key]:
    return list(zip(*(text_keys(entities[column]) for column in view.entity), strict=True))


def _valid(known: Known | None, at: int, ttl: int, empty: Values) -> Values:
    if known is None or not at - ttl <= known[0] <= at:
        return empty
    return known[1]


def _instant(time: datetime) -> int:
    if time.tzinfo is None:
        raise InvalidData("a time without a zone", given=time, next_step="add its zone: ...Z")
    return (time - EPOCH) // MICROSECOND
