"""Code bundles in the state: a few kilobytes each, so a row is the simplest shelf there is."""

from __future__ import annotations

import hashlib
from datetime import datetime

from mizzen.adapters.bundle import check_members
from mizzen.errors import InvalidData, NotFound
from mizzen.state.database import Database


class SqlBundles:
    """See `interface.Bundles`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def has(self, digest: str) -> bool:
        """See `interface.Bundles`."""
        with self._database.read() as session:
            return bool(session.find("bundles", ["digest"], {"digest": digest}))

    def put(self, digest: str, content: bytes, now: datetime) -> None:
        """See `interface.Bundles`."""
        found = hashlib.sha256(content).hexdigest()
        if found != digest:
            raise InvalidData(
                "the archive does not hash to its name",
                given=found,
                allowed=digest,
                next_step="send it again",
            )
        check_members(content)
        values = {"digest": digest, "content": content, "created_at": now}
        with self._database.write() as session:
            session.insert("bundles", values, if_not_exists=True)

    def get(self, digest: str) -> bytes:
        """See `interface.Bundles`."""
        with self._database.read() as session:
            rows = session.find("bundles", ["content"], {"digest": digest})
        if not rows:
            raise NotFound(f"no code bundle {digest[:12]}", next_step="submit the run again")
        return bytes(rows[0]["content"])
