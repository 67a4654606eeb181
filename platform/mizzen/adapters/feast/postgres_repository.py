"""The Feast repository of several machines: its registry and newest values in PostgreSQL.

Everything lies in the schema `mizzen_features`: Feast's registry has tables named `projects` and
`entities`, which other tenants of the database have too.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import cached_property
from typing import Any

from mizzen.adapters.feast.definitions import table_of
from mizzen.adapters.feast.library import feast
from mizzen.adapters.feast.postgres import SCHEMA, WRITE_SECONDS, connect, translated
from mizzen.adapters.feast.repository import Note, Repository
from mizzen.errors import NotFound, Unsupported, UserError
from mizzen.spec.features import FeatureView

_LONGEST = 60  # characters of a table's name; PostgreSQL cuts at 63, Feast adds `_ek`
_SSL = {
    "sslkey_path": "PGSSLKEY",
    "sslcert_path": "PGSSLCERT",
    "sslrootcert_path": "PGSSLROOTCERT",
}


class PostgresRepository(Repository):
    """As `Repository`; files below the home are copies."""

    def _config(self, histories: Mapping[str, str]) -> Any:
        package = __name__.rpartition(".")[0]
        return feast().RepoConfig(
            project=self.project,
            provider="local",
            repo_path=self.folder,
            registry={
                "registry_type": "sql",
                "path": f"postgresql+psycopg:///?options=-csearch_path%3D{SCHEMA}",
                "cache_ttl_seconds": 1,
            },
            online_store={"type": "postgres", **_address()},
            offline_store={
                "type": f"{package}.offline.PointInTimeOfflineStore",
                "histories": dict(histories),
            },
            entity_key_serialization_version=3,
        )

    def prepare(self) -> None:
        """Make the schema, unless somebody with more rights did."""
        super().prepare()
        _ = self._schema

    @cached_property
    def _schema(self) -> str:
        # one after the other: two that begin at once would both find none
        with self.changing("schema"), translated(), connect(WRITE_SECONDS) as connection:
            found = connection.execute("SELECT to_regnamespace(%s)", [SCHEMA]).fetchone()
            if found is None or found[0] is None:
                connection.execute(f"CREATE SCHEMA {SCHEMA}")
        return SCHEMA

    @contextmanager
    def changing(self, part: str) -> Iterator[None]:
        """One process of all machines at a time; the lock falls with its holder."""
        with translated(), connect(WRITE_SECONDS) as connection:
            name = f"{SCHEMA}/{self.project}/{part}"
            connection.execute("SELECT pg_advisory_lock(hashtext(%s))", [name])
            yield

    def present(self) -> dict[str, Note]:
        """See `Repository`."""
        query = "SELECT view, history, ends, at FROM mizzen_declared WHERE project = %s"
        with suppress(NotFound), translated(), connect(WRITE_SECONDS) as connection:
            rows = connection.execute(query, [self.project]).fetchall()
            return {view: Note(history, ends, at) for view, history, ends, at in rows}
        return {}

    def _note(self, notes: Mapping[str, Note]) -> None:
        with translated(), connect(WRITE_SECONDS) as connection, connection.transaction():
            connection.execute(
                "CREATE TABLE IF NOT EXISTS mizzen_declared (project text, view text,"
                " history text NOT NULL, ends bigint, at timestamptz NOT NULL,"
                " PRIMARY KEY (project, view))"
            )
            for view, note in notes.items():
                connection.execute(
                    "INSERT INTO mizzen_declared VALUES (%s, %s, %s, %s, %s) ON CONFLICT"
                    " (project, view) DO UPDATE SET history = EXCLUDED.history,"
                    " ends = EXCLUDED.ends, at = EXCLUDED.at",
                    [self.project, view, note.history, note.ends, note.at],
                )

    def _forget(self, names: Sequence[str]) -> None:
        query = "DELETE FROM mizzen_declared WHERE project = %s AND view = ANY(%s)"
        with translated(), connect(WRITE_SECONDS) as connection:
            connection.execute(query, [self.project, list(names)])

    def has_tables(self, views: Sequence[FeatureView]) -> bool:
        """See `Repository`.

        Raises:
            Unsupported: a view whose table's name PostgreSQL would cut.
        """
        tables = [_checked(self.project, view) for view in views]
        with translated(), connect(WRITE_SECONDS) as connection:
            found = connection.execute(
                "SELECT count(*) FROM pg_tables WHERE schemaname = %s AND tablename = ANY(%s)",
                [SCHEMA, tables],
            ).fetchone()
        return found is not None and found[0] == len(tables)

    def _settle(self) -> None:
        """Readers and writers side by side need nothing here."""


def _checked(project: str, view: FeatureView) -> str:
    name = table_of(project, view)
    if len(name) > _LONGEST:
        spare = _LONGEST - (len(name) - len(project) - len(view.name))
        raise Unsupported(
            "PostgreSQL cannot tell the tables of so long names apart",
            given=f"the project {project} with the view {view.name}",
            allowed=f"{spare} characters for both together",
            next_step="shorten the view's name",
        )
    return name


def _address() -> dict[str, Any]:
    """libpq's variables as Feast wants them; Feast keeps them in memory only."""
    given = os.environ.get
    user, database = given("PGUSER"), given("PGDATABASE")
    if not user or not database:
        raise UserError(
            "the feature store's PostgreSQL is not named",
            given=", ".join(n for n in ("PGUSER", "PGDATABASE") if not given(n)) + " not set",
            allowed="PGHOST, PGPORT, PGDATABASE, PGUSER, PGPASSWORD",
            next_step="set them from the Secret of the database",
        )
    files = {name: given(variable) for name, variable in _SSL.items() if given(variable)}
    return {
        "host": given("PGHOST", "localhost"),
        "port": int(given("PGPORT", "5432")),
        "database": database,
        "user": user,
        "password": given("PGPASSWORD", ""),
        "db_schema": SCHEMA,
        "sslmode": given("PGSSLMODE", "prefer"),
        **files,
    }
