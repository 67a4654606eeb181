"""Writes that carry a key of the client's: one key is one line, however often it is sent."""

from __future__ import annotations

from collections.abc import Sequence

from mizzen.errors import Conflict
from mizzen.state.records import DecisionRecord, Promotion, names
from mizzen.state.session import Row, Session


def find_written(
    session: Session, table: str, record: Promotion | DecisionRecord, same: Sequence[str]
) -> Row | None:
    """The line that was written under the record's key, if there is one.

    Args:
        same: fields in which a repeated write agrees with the first.

    Raises:
        Conflict: the key was used for something else, perhaps of another project.
    """
    if record.key is None:
        return None
    rows = session.find(table, names(type(record)), {"key": record.key})
    differing = [name for row in rows for name in same if row[name] != getattr(record, name)]
    if differing:
        raise Conflict(
            "the idempotency key was used for another write",
            given=f"key {record.key}, with another {', '.join(differing)}",
            allowed="one key for one write, of one project",
            next_step="send the write under a new key",
        )
    return rows[0] if rows else None
