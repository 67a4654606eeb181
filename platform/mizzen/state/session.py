"""What the verbs of the state ask of a database: rows of named tables, found by equality.

Two back ends: `sqlite` on the standard library, since a cold command line would wait longer
for SQLAlchemy than for everything else together; `server` on SQLAlchemy Core for the rest.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

BUSY_SECONDS = 60  # how long a writer waits for another one
Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class SchemaVersion:
    """What the tables say of themselves.

    `at`: their newest migration, None before the first. `works_from`: the newest migration that
    the oldest Mizzen which still works with them knows; see `migrations`.
    """

    at: str | None = None
    works_from: str | None = None

    def is_older(self, head: str) -> bool:
        """Whether a Mizzen whose newest migration is `head` misses something."""
        return self.at is None or self.at < head

    def is_newer(self, head: str) -> bool:
        """Whether a Mizzen whose newest migration is `head` is too old for them."""
        return self.at is not None and self.at > head and (self.works_from or self.at) > head


@dataclass(frozen=True, slots=True)
class Prefix:
    """In a condition: text that begins like this."""

    text: str


@dataclass(frozen=True, slots=True)
class OneOf:
    """In a condition: any of these values."""

    values: Sequence[Any]


@dataclass(frozen=True, slots=True)
class After:
    """In a condition: later, or larger, than this."""

    value: Any


class Session(Protocol):
    """One open transaction. Values are Python's: instants with zone, plain JSON, bool."""

    def find(
        self,
        table: str,
        fields: Sequence[str],
        where: Mapping[str, Any],
        *,
        order: Sequence[str] = (),
        descending: bool = False,
        limit: int | None = None,
        lock: bool = False,
    ) -> list[Row]:
        """The rows that meet all conditions; `newest`: each of `order` descending; `hold`: as
        they are now, and nobody else changes or holds them until the transaction ends."""
        ...

    def insert(
        self, table: str, values: Mapping[str, Any], *, if_not_exists: bool = False
    ) -> int | None:
        """Add a row; the number that the database gave it, 0 where it numbers none.

        Args:
            if_not_exists: a row of this key stays as it is; then the answer is None.
        """
        ...

    def change(self, table: str, where: Mapping[str, Any], values: Mapping[str, Any]) -> None:
        """Set fields of the rows that meet all conditions."""
        ...

    def remove(self, table: str, where: Mapping[str, Any]) -> None:
        """Delete the rows that meet all conditions."""
        ...

    def clock(self) -> datetime:
        """The database's own time, by which everybody who shares it goes."""
        ...


class Store(Protocol):
    """A back end."""

    def transaction(self, *, write: bool, durable: bool) -> AbstractContextManager[Session]:
        """All or nothing; see `Database.write` and `Database.read`."""
        ...

    shared: bool
    """Whether others may be using it: then only the migration command migrates it."""

    def stamp(self) -> SchemaVersion:
        """What the tables say of themselves."""
        ...

    def migrate(self, head: str) -> None:
        """Bring the tables to the migration `head`, unless somebody else was first."""
        ...
