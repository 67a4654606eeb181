"""The newest values by key, in the tables of Feast's PostgreSQL online store.

Feast makes the tables (`apply`) and reads them (its feature server); reading and writing here
need psycopg and no Feast. One query answers a batch, whatever the number of views. Event times
are exact here, so that an older event is kept from replacing a newer one by the database itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np

from mizzen.adapters.feast import wire
from mizzen.adapters.feast.definitions import KNOWN_AT, name_of
from mizzen.adapters.feast.known import Asked, Key, Known, newest_rows
from mizzen.adapters.feast.postgres import READ_SECONDS, WRITE_SECONDS, Session
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

    def read(self, asked: Sequence[Asked]) -> list[list[Known | None]]:
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
            unique = {_bytes(view, key) for key in keys if None not in key}
            parameters.append(list(unique))
        with self._reading.asking() as connection:
            query = sql.SQL(" UNION ALL ").join(parts)
            rows = connection.execute(query, parameters, binary=True).fetchall()
        found: list[dict[bytes, dict[str, bytes]]] = [{} for _ in asked]
        for number, key, name, value in rows:
            found[number].setdefault(bytes(key), {})[name] = bytes(value)
        return [
            [_known(view, values.get(_bytes(view, key))) if None not in key else None
             for key in keys]
            for (view, keys), values in zip(asked, found, strict=True)
        ]  # fmt: skip

    def write(self, view: FeatureView, values: Columns, replace: bool = False) -> int:
        """Store the newest row of each key (rows in stored form); how many were stored.

        A row that is older than what is there is left out, unless `replace`. Readers see all
        of it or nothing.
        """
        from psycopg import sql

        last = newest_rows(view, values)
        newer = sql.SQL("" if replace else "WHERE EXCLUDED.event_ts >= there.event_ts")
        statement = sql.SQL(
            "INSERT INTO {} AS there (entity_key, feature_name, value, value_text, event_ts,"
            " created_ts) SELECT * FROM unnest(%s::bytea[], %s::text[], %s::bytea[], %s::text[],"
            " %s::timestamptz[], %s::timestamptz[]) ON CONFLICT (entity_key, feature_name) DO"
            " UPDATE SET value = EXCLUDED.value, value_text = EXCLUDED.value_text, event_ts ="
            " EXCLUDED.event_ts, created_ts = EXCLUDED.created_ts {}"
        ).format(sql.Identifier(table_of(self._project, view)), newer)
        keys, stored = sorted(last), 0  # in one order, so that two writers never wait crosswise
        features = len(view.columns) + 1
        with self._writing.asking() as connection, connection.transaction():
            for start in range(0, len(keys), _AT_ONCE):
                rows = _rows(view, values, last, keys[start : start + _AT_ONCE])
                columns = [list(column) for column in zip(*rows, strict=True)]
                stored += connection.execute(statement, columns).rowcount
        return stored // features


def table_of(project: str, view: FeatureView) -> str:
    """The name that Feast gives the view's table."""
    return f"{project}_{name_of(view)}"


def _bytes(view: FeatureView, key: Key) -> bytes:
    return wire.entity_key(view.entity, [part or "" for part in key])


def _known(view: FeatureView, values: dict[str, bytes] | None) -> Known | None:
    if values is None:
        return None
    at = wire.decode(values[KNOWN_AT])
    plain = tuple(wire.decode(values.get(column.name, b"")) for column in view.columns)
    return int(at or 0), plain


def _rows(
    view: FeatureView, values: Columns, last: dict[Key, int], keys: Sequence[Key]
) -> list[tuple[Any, ...]]:
    now, rows = datetime.now(UTC), []
    for key in keys:
        position, entity = last[key], _bytes(view, key)
        known = int(values[KNOWN_AT][position])
        at = _EPOCH + timedelta(microseconds=known)
        row = {c.name: _plain(values[c.name][position]) for c in view.columns}
        for name, value in (*row.items(), (KNOWN_AT, known)):
            text = value if isinstance(value, str) else None
            rows.append((entity, name, wire.encode(value), text, at, now))
    return rows


def _plain(value: Any) -> wire.Value:
    return float(value) if isinstance(value, np.floating | float) else value
