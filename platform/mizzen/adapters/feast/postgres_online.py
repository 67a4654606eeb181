"""The newest values by key, in the tables of Feast's PostgreSQL online store.

Feast makes the tables (`apply`) and reads them (its feature server); reading and writing here
need psycopg and no Feast. One query answers a batch, whatever the number of views. Event times
are exact here, so that an older event is kept from replacing a newer one by the database itself.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np

from mizzen.adapters.feast import feast_encoding
from mizzen.adapters.feast.definitions import INSTANTS, KNOWN_AT, column_name, table_of
from mizzen.adapters.feast.entity import entity_key, key_of
from mizzen.adapters.feast.loading import LOADED, Stored, changes
from mizzen.adapters.feast.postgres import READ_SECONDS, WRITE_SECONDS, Session
from mizzen.adapters.feast.versioned_values import EntityQuestion, Key, KnownValues, newest_rows
from mizzen.spec.features import FeatureView

if TYPE_CHECKING:
    from mizzen.adapters.feast.history import Columns

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_AT_ONCE = 1_000  # entities in one statement that writes


class PostgresValues:
    """Newest values of one project's views. Thread-safe."""

    def __init__(self, project: str) -> None:
        self._project = project
        self._reading, self._writing = Session(READ_SECONDS), Session(WRITE_SECONDS)

    def read(self, asked: Sequence[EntityQuestion]) -> list[list[KnownValues | None]]:
        """For each view the newest values of each key, None where there are none.

        Raises:
            NotFound: a view was never applied here.
            TemporaryError: PostgreSQL does not answer.
        """
        from psycopg import sql

        parts, parameters = [], []
        for number, (view, keys) in enumerate(asked):
            table = sql.Identifier(table_of(self._project, view))
            parts.append(
                sql.SQL(
                    "SELECT {}, entity_key, feature_name, value FROM {} WHERE entity_key = ANY(%s)"
                ).format(sql.Literal(number), table)
            )
            unique = {entity_key(view, key) for key in keys if None not in key}
            parameters.append(list(unique))
        with self._reading.asking() as connection:
            query = sql.SQL(" UNION ALL ").join(parts)
            rows = connection.execute(query, parameters, binary=True).fetchall()
        found: list[dict[bytes, dict[str, bytes]]] = [{} for _ in asked]
        for number, key, name, value in rows:
            found[number].setdefault(bytes(key), {})[name] = bytes(value)
        return [
            [_known(view, values.get(entity_key(view, key))) if None not in key else None
             for key in keys]
            for (view, keys), values in zip(asked, found, strict=True)
        ]  # fmt: skip

    def write(self, view: FeatureView, values: Columns) -> int:
        """Store the newest row of each key (rows in stored form); how many were stored. A row
        that is older than what is there is left out. Readers see all of it or nothing."""
        from psycopg import sql

        newer = sql.SQL("EXCLUDED.event_ts >= there.event_ts")
        with self._writing.asking() as connection, connection.transaction():
            rows = newest_rows(view, values)
            return self._upsert(connection, view, (values, rows), newer, datetime.now(UTC))

    def load(self, view: FeatureView, history: Columns, until: int, rewind: bool) -> int:
        """Make what is stored follow a history, see `loading`; how many keys it knows. Values
        that somebody pushes meanwhile stay: the database itself looks once more."""
        from psycopg import sql

        with self._writing.asking() as connection, connection.transaction():
            found = changes(view, history, until, self._stored(connection, view), rewind)
            horizon = max(found.horizon, 0)
            ours = (
                sql.SQL("true")
                if rewind
                else sql.SQL("(there.created_ts = {} OR there.event_ts <= {})").format(
                    sql.Literal(LOADED), sql.Literal(_EPOCH + timedelta(microseconds=horizon))
                )
            )
            connection.execute(
                sql.SQL("DELETE FROM {} AS there WHERE entity_key = ANY(%s) AND {}").format(
                    sql.Identifier(table_of(self._project, view)), ours
                ),
                [[entity_key(view, key) for key in found.remove]],
            )
            self._upsert(connection, view, (history, found.write), ours, LOADED)
        return found.known

    def _stored(self, connection: Any, view: FeatureView) -> dict[Key, Stored]:
        from psycopg import sql

        query = sql.SQL(
            "SELECT entity_key, value, created_ts = {} FROM {} WHERE feature_name = %s"
        ).format(sql.Literal(LOADED), sql.Identifier(table_of(self._project, view)))
        rows = connection.execute(query, [KNOWN_AT], binary=True).fetchall()
        return {
            key_of(view, bytes(entity)): Stored(
                int(feast_encoding.decode(bytes(at)) or 0), bool(loaded)
            )
            for entity, at, loaded in rows
        }

    def _upsert(
        self,
        connection: Any,
        view: FeatureView,
        what: tuple[Columns, Mapping[Key, int]],
        where: Any,
        created: datetime,
    ) -> int:
        from psycopg import sql

        statement = sql.SQL(
            "INSERT INTO {} AS there (entity_key, feature_name, value, value_text, event_ts,"
            " created_ts) SELECT * FROM unnest(%s::bytea[], %s::text[], %s::bytea[], %s::text[],"
            " %s::timestamptz[], %s::timestamptz[]) ON CONFLICT (entity_key, feature_name) DO"
            " UPDATE SET value = EXCLUDED.value, value_text = EXCLUDED.value_text, event_ts ="
            " EXCLUDED.event_ts, created_ts = EXCLUDED.created_ts WHERE {}"
        ).format(sql.Identifier(table_of(self._project, view)), where)
        values, chosen = what
        keys, stored = sorted(chosen), 0  # in one order: two writers never wait crosswise
        for start in range(0, len(keys), _AT_ONCE):
            rows = _rows(view, values, chosen, keys[start : start + _AT_ONCE], created)
            columns = [list(column) for column in zip(*rows, strict=True)]
            stored += connection.execute(statement, columns).rowcount
        return stored // (len(view.columns) + 1)


def _known(view: FeatureView, values: dict[str, bytes] | None) -> KnownValues | None:
    if values is None:
        return None
    at = feast_encoding.decode(values[KNOWN_AT])
    names = (column_name(column.name) for column in view.columns)
    plain = tuple(feast_encoding.decode(values.get(name, b"")) for name in names)
    return int(at or 0), plain


def _rows(
    view: FeatureView,
    values: Columns,
    chosen: Mapping[Key, int],
    keys: Sequence[Key],
    created: datetime,
) -> list[tuple[Any, ...]]:
    rows = []
    for key in keys:
        position, entity = chosen[key], entity_key(view, key)
        known = int(values[INSTANTS][position])
        at = _EPOCH + timedelta(microseconds=known)
        row = {column_name(c.name): _plain(values[c.name][position]) for c in view.columns}
        for name, value in (*row.items(), (KNOWN_AT, known)):
            text = value if isinstance(value, str) else None
            rows.append((entity, name, feast_encoding.encode(value), text, at, created))
    return rows


def _plain(value: Any) -> feast_encoding.Value:
    return float(value) if isinstance(value, np.floating | float) else value
