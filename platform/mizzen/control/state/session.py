"""What the verbs of the state ask of a database: rows of named tables, found by equality.

Two back ends: `sqlite` on the standard library, since a cold command line would wait longer
for SQLAlchemy than for everything else together; `server` on SQLAlchemy Core for the rest.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Protocol

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Prefix:
    """In a condition: text that begins like this."""

    text: str


class Session(Protocol):
    """One open transaction. Values are Python's: instants with zone, plain JSON, bool."""

    def find(
        self,
        table: str,
        fields: Sequence[str],
        where: Mapping[str, Any],
        *,
        order: Sequence[str] = (),
        newest: bool = False,
        limit: int | None = None,
    ) -> list[Row]:
        """The rows that meet all conditions; `newest`: each of `order` descending."""
        ...

    def insert(self, table: str, values: Mapping[str, Any]) -> int:
        """Add a row; the number that the database gave it, where it numbers them."""
        ...

    def change(self, table: str, where: Mapping[str, Any], values: Mapping[str, Any]) -> None:
        """Set fields of the rows that meet all conditions."""
        ...

    def remove(self, table: str, where: Mapping[str, Any]) -> None:
        """Delete the rows that meet all conditions."""
        ...


class Store(Protocol):
    """A back end."""

    def transaction(self, *, write: bool, durable: bool) -> AbstractContextManager[Session]:
        """All or nothing; see `Database.write` and `Database.read`."""
        ...

    def stamp(self) -> str | None:
        """The migration that the tables are at; None before the first."""
        ...

    def migrate(self, head: str) -> None:
        """Bring the tables to the migration `head`, unless somebody else was first."""
        ...
