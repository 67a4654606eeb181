"""Who drives what, and until when that is believed, by the database's clock.

A lease that nobody renews ends; whoever takes it then gets the next epoch. Each write of a driver
names its lease, in the same transaction: one that slept past the end and wakes writes nothing.
"""

from __future__ import annotations

from datetime import timedelta

from mizzen.errors import StaleLease
from mizzen.state.database import Database
from mizzen.state.records import Lease, LeaseRecord
from mizzen.state.session import Row, Session

_FIELDS = ("name", "holder", "epoch", "expires_at")


class SqlLeases:
    """See `interface.Leases`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def acquire(
        self, name: str, holder: str, seconds: float, *, over: int | None = None
    ) -> Lease | None:
        """See `interface.Leases`."""
        with self._database.write() as session:
            now = session.clock()
            fresh = {"name": name, "holder": "", "epoch": 0, "expires_at": now}
            session.insert("leases", fresh, if_not_exists=True)
            known = _locked(session, name)
            epoch: int = known["epoch"]
            if known["holder"] != holder:
                if known["expires_at"] > now and epoch != over:
                    return None
                epoch += 1
            ends = now + timedelta(seconds=seconds)
            values = {"holder": holder, "epoch": epoch, "expires_at": ends}
            session.change("leases", {"name": name}, values)
            return Lease(name, holder, epoch)

    def renew(self, lease: Lease, seconds: float) -> None:
        """See `interface.Leases`."""
        with self._database.write() as session:
            check_lease(session, lease)
            ends = session.clock() + timedelta(seconds=seconds)
            session.change("leases", {"name": lease.name}, {"expires_at": ends})

    def release(self, lease: Lease) -> None:
        """See `interface.Leases`."""
        with self._database.write() as session:
            known = _locked(session, lease.name)
            if (known.get("holder"), known.get("epoch")) == (lease.holder, lease.epoch):
                ended = {"holder": "", "expires_at": session.clock()}
                session.change("leases", {"name": lease.name}, ended)

    def get(self, name: str) -> LeaseRecord | None:
        """See `interface.Leases`."""
        with self._database.read() as session:
            rows = session.find("leases", _FIELDS, {"name": name})
            now = session.clock()
        if not rows:
            return None
        row = rows[0]
        driver = row["holder"].rpartition("/")[0]
        left = (row["expires_at"] - now).total_seconds()
        return LeaseRecord(name, driver, row["epoch"], left)


def check_lease(session: Session, lease: Lease) -> None:
    """Let the holder of a lease write until the transaction ends, and nobody take it meanwhile.

    Raises:
        StaleLease: somebody else holds it by now.
    """
    known = _locked(session, lease.name)
    if (known.get("holder"), known.get("epoch")) != (lease.holder, lease.epoch):
        raise StaleLease(
            f"{lease.name} is driven by somebody else by now",
            given=f"a write of epoch {lease.epoch}",
            allowed=f"writes of epoch {known.get('epoch', 'none')}",
            next_step="follow it: mizzen runs list",
        )


def _locked(session: Session, name: str) -> Row:
    rows = session.find("leases", _FIELDS, {"name": name}, lock=True)
    return rows[0] if rows else {}
