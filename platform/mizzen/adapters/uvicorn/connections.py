"""The open connections of a process: how many there may be, whose they are, which go first.

A full server does not lock everybody out: the address that holds most connections loses the one
that it has kept waiting longest, as long as the newcomer's address holds fewer.
"""

from __future__ import annotations

import asyncio
import resource
from collections.abc import Callable
from typing import Protocol

from mizzen.adapters.uvicorn.addresses import Proxies, owner_of
from mizzen.adapters.uvicorn.limits import Limits

_SWEEP_SECONDS = 0.25
_OTHER_DESCRIPTORS = 128  # files, databases, the log
_TRUSTED = "trusted proxies"


class Connection(Protocol):
    """What is counted here."""

    def check(self, now: float) -> None:
        """End what takes too long."""

    def waits(self) -> bool:
        """Whether the client, not the server, is to act: nothing is being answered."""

    def drop(self) -> None:
        """Close it for another's sake."""


class Connections:
    """Counts, admits and looks after the connections of one process.

    Args:
        refused: called with the reason, a word of a few, for each connection or request that a
            limit ends.
        swept: called a few times a second while there are connections, and once after the last.
    """

    def __init__(
        self,
        limits: Limits,
        refused: Callable[[str], None] = lambda _reason: None,
        swept: Callable[[], None] = lambda: None,
    ) -> None:
        self.limits, self.refused, self._swept = limits, refused, swept
        self.proxies = Proxies(limits.trusted_proxies)
        self._most = min(limits.connections, _descriptors() - _OTHER_DESCRIPTORS)
        self._held: dict[str, dict[Connection, None]] = {}  # by owner, oldest first
        self._owner: dict[Connection, str] = {}
        self._sweeping = False
        self.leaving = False  # the server goes: each connection's next answer is its last

    def __len__(self) -> int:
        return len(self._owner)

    def admit(self, connection: Connection, address: str) -> bool:
        """Count a new connection; False where it has no place."""
        trusted = self.proxies.trust(address)
        owner = _TRUSTED if trusted else owner_of(address)
        held = len(self._held.get(owner, ()))
        if not trusted and held >= self.limits.connections_per_address:
            self.refused("address")
            return False
        if len(self._owner) >= self._most and not self._make_room(held, trusted):
            self.refused("connections")
            return False
        self._held.setdefault(owner, {})[connection] = None
        self._owner[connection] = owner
        self._sweep_later()
        return True

    def forget(self, connection: Connection) -> None:
        """It is closed."""
        owner = self._owner.pop(connection, None)
        if owner is None:
            return
        held = self._held[owner]
        del held[connection]
        if not held:
            del self._held[owner]

    def _make_room(self, held: int, trusted: bool) -> bool:
        others = [owner for owner in self._held if owner != _TRUSTED]
        if not others:
            return False
        greediest = max(others, key=lambda owner: len(self._held[owner]))
        if len(self._held[greediest]) <= held + 1 and not trusted:
            return False
        oldest = next((one for one in self._held[greediest] if one.waits()), None)
        if oldest is None:
            return False
        self.refused("room")
        self.forget(oldest)
        oldest.drop()
        return True

    def _sweep_later(self) -> None:
        if not self._sweeping:
            self._sweeping = True
            loop = asyncio.get_running_loop()
            loop.call_later(_SWEEP_SECONDS, self._sweep, loop)

    def _sweep(self, loop: asyncio.AbstractEventLoop) -> None:
        self._sweeping = False
        now = loop.time()
        for connection in list(self._owner):
            connection.check(now)
        self._swept()
        if self._owner:
            self._sweep_later()


def _descriptors() -> int:
    """How many descriptors this process may open, after asking for all that it may have."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and (hard == resource.RLIM_INFINITY or soft < hard):
        wanted = 65_536 if hard == resource.RLIM_INFINITY else min(hard, 65_536)
        if wanted > soft:
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
            soft = wanted
    return 65_536 if soft == resource.RLIM_INFINITY else max(soft, 2 * _OTHER_DESCRIPTORS)
