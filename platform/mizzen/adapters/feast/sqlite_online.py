"""The newest values by key, in Feast's SQLite store. One instance per process.

Reading goes through Feast once per key and change of the store; then from memory. SQLite tells
cheaply whether another connection has committed anything (`data_version`), so a value pushed
by any process is seen by the next read.
"""

from __future__ import annotations

import math
import sqlite3
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import cached_property, lru_cache
from pathlib import Path
from threading import Lock
from typing import Any

from mizzen.adapters.feast import feast_encoding
from mizzen.adapters.feast.definitions import (
    INSTANTS,
    KNOWN_AT,
    column_name,
    feast_view,
    name_of,
    table_of,
)
from mizzen.adapters.feast.entity import entity_key, key_of
from mizzen.adapters.feast.history import Columns
from mizzen.adapters.feast.library import feast
from mizzen.adapters.feast.loading import LOADED, Stored, changes
from mizzen.adapters.feast.repository import Repository
from mizzen.adapters.feast.versioned_values import EntityQuestion, Key, KnownValues, newest_rows
from mizzen.errors import NotFound
from mizzen.spec.features import FeatureView

AT_ONCE = 5_000  # keys in one query; SQLite allows 32,766 variables
REMEMBERED = 200_000  # keys in memory


class OnlineValues:
    """Newest values of the views of one repository. Thread-safe."""

    def __init__(self, repository: Repository) -> None:
        self._repository = repository
        self._reading, self._writing = Lock(), Lock()
        self._memory: dict[str, dict[Key, KnownValues | None]] = {}
        self._seen = -1
        self._watch: sqlite3.Connection | None = None

    def read(self, asked: Sequence[EntityQuestion]) -> list[list[KnownValues | None]]:
        """For each view the newest values of each key, None where there are none.

        Raises:
            NotFound: a view was never applied here.
        """
        return [self._read(view, keys) for view, keys in asked]

    def _read(self, view: FeatureView, keys: Sequence[Key]) -> list[KnownValues | None]:
        with self._reading:
            memory = self._current(name_of(view))
            unknown = list({key for key in keys if key not in memory and None not in key})
            if unknown:
                memory.update(zip(unknown, self._fetch(self._reader, view, unknown), strict=True))
            return [memory.get(key) for key in keys]  # a key with a null part has no value

    def write(self, view: FeatureView, values: Columns) -> int:
        """Store the newest row of each key (rows in stored form); how many were stored. A row
        that is older than what is there is left out."""
        last = newest_rows(view, values)
        keys, known = list(last), values[INSTANTS].tolist()
        with self._writing, self._repository.changing("online"):
            there = self._fetch(self._writer, view, keys)
            chosen = {
                key: last[key]
                for key, old in zip(keys, there, strict=True)
                if old is None or known[last[key]] >= old[0]
            }
            self._store(view, _rows(view, values, chosen, datetime.now(UTC)))
        return len(chosen)

    def load(self, view: FeatureView, history: Columns, until: int, rewind: bool) -> int:
        """Make what is stored follow a history, see `loading`; how many keys it knows."""
        with self._writing, self._repository.changing("online"):
            stored = self._stored(view)
            found = changes(view, history, until, stored, rewind)
            connection = self._writer._get_conn(self._repository.config)
            table = table_of(self._repository.project, view)
            gone = [(entity_key(view, key),) for key in found.remove]
            # committed together with what is stored next
            connection.executemany(f'DELETE FROM "{table}" WHERE entity_key = ?', gone)  # noqa: S608
            self._store(view, _rows(view, history, found.write, LOADED))
        return found.known

    def _store(self, view: FeatureView, rows: list[Any]) -> None:
        self._writer.online_write_batch(self._repository.config, self._feast_view(view), rows, None)

    def _stored(self, view: FeatureView) -> dict[Key, Stored]:
        table = table_of(self._repository.project, view)
        query = (
            f'SELECT entity_key, value, CAST(created_ts AS INTEGER) FROM "{table}"'  # noqa: S608
            " WHERE feature_name = ?"
        )
        connection = self._writer._get_conn(self._repository.config)
        try:
            rows = connection.execute(query, (KNOWN_AT,)).fetchall()
        except sqlite3.OperationalError as error:
            raise _not_applied(self._repository, error) from None
        return {
            key_of(view, entity): Stored(
                int(feast_encoding.decode(value) or 0), _is_loaded(created)
            )
            for entity, value, created in rows
        }

    # Two connections: a read in this process never sees half of a write in it.
    @cached_property
    def _reader(self) -> Any:
        return feast("feast.infra.online_stores.sqlite").SqliteOnlineStore()

    @cached_property
    def _writer(self) -> Any:
        return feast("feast.infra.online_stores.sqlite").SqliteOnlineStore()

    def _current(self, name: str) -> dict[Key, KnownValues | None]:
        if self._watch is None:
            self._open()
        assert self._watch is not None  # noqa: S101 (opened above)
        version = self._watch.execute("PRAGMA data_version").fetchone()[0]
        if version != self._seen or sum(map(len, self._memory.values())) > REMEMBERED:
            self._memory.clear()
            self._seen = version
        return self._memory.setdefault(name, {})

    def _open(self) -> None:
        file = self._repository.online_file
        if not file.exists():
            raise _not_applied(self._repository)
        self._watch = sqlite3.connect(
            f"{file.as_uri()}?mode=ro", uri=True, check_same_thread=False, isolation_level=None
        )

    def _fetch(
        self, store: Any, view: FeatureView, keys: Sequence[Key]
    ) -> list[KnownValues | None]:
        names = [column_name(column.name) for column in view.columns]
        found: list[KnownValues | None] = []
        for start in range(0, len(keys), AT_ONCE):
            protos = [_key_proto(view, key) for key in keys[start : start + AT_ONCE]]
            try:
                rows = store.online_read(self._repository.config, self._feast_view(view), protos)
            except sqlite3.OperationalError as error:
                raise _not_applied(self._repository, error) from None
            found += [_known(values, names) for _, values in rows]
        return found

    def _feast_view(self, view: FeatureView) -> Any:
        return _table(view, self._repository.folder)


@lru_cache(maxsize=256)
def _table(view: FeatureView, folder: Path) -> Any:
    # Reading and writing values needs the view's name and columns, never its history.
    return feast_view(view, folder / "unread.parquet")


def _key_proto(view: FeatureView, key: Key) -> Any:
    protos = feast("feast.protos.feast.types.EntityKey_pb2")
    values = feast("feast.protos.feast.types.Value_pb2")
    parts = [values.Value(string_val=part) for part in key]
    names = [column_name(column) for column in view.entity]
    return protos.EntityKey(join_keys=names, entity_values=parts)


def _known(values: Any, names: Sequence[str]) -> KnownValues | None:
    if values is None:
        return None
    return values[KNOWN_AT].int64_val, tuple(_plain(values.get(name)) for name in names)


def _plain(value: Any) -> float | str | None:
    kind = None if value is None else value.WhichOneof("val")
    return None if kind is None else getattr(value, kind)


def _is_loaded(created: int | None) -> bool:
    # Feast writes it by the machine's local clock, whichever that was
    return created is not None and abs(created - LOADED.timestamp()) < 86_400


def _rows(
    view: FeatureView, values: Columns, chosen: Mapping[Key, int], created: datetime
) -> list[Any]:
    make = feast("feast.protos.feast.types.Value_pb2").Value
    columns = [(column_name(c.name), c.kind, values[c.name].tolist()) for c in view.columns]
    known = values[INSTANTS].tolist()
    rows = []
    for key, position in chosen.items():
        features = {name: _proto(make, kind, row[position]) for name, kind, row in columns}
        features[KNOWN_AT] = make(int64_val=known[position])
        instant = datetime.fromtimestamp(known[position] // 1_000_000, UTC)
        rows.append((_key_proto(view, key), features, instant, created))
    return rows


def _proto(make: Any, kind: str, value: Any) -> Any:
    if kind == "number":
        return make() if math.isnan(value) else make(double_val=value)
    return make() if value is None else make(string_val=value)


def _not_applied(repository: Repository, cause: object = None) -> NotFound:
    return NotFound(
        f"the feature store of {repository.project!r} holds no values of these views",
        given=cause or repository.online_file,
        next_step="run the training pipeline once; it declares the views",
    )
