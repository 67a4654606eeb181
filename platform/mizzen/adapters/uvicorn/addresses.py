"""Which client a request comes from: its connection's address, or what a trusted proxy says."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from ipaddress import IPv6Address, ip_address, ip_network


class Proxies:
    """Addresses that are believed when they say for whom they ask."""

    def __init__(self, networks: Sequence[str]) -> None:
        self._networks = [ip_network(one) for one in networks]
        self._known: dict[str, bool] = {}

    def trust(self, address: str) -> bool:
        """Whether this is the address of a trusted proxy."""
        if not self._networks:
            return False
        known = self._known.get(address)
        if known is None:
            if len(self._known) > 10_000:  # an attacker's addresses
                self._known.clear()
            known = self._known[address] = self._within(address)
        return known

    def client(self, peer: str, headers: Iterable[tuple[bytes, bytes]]) -> str:
        """The client behind trusted proxies: the last address of X-Forwarded-For that is none of
        theirs. What stands before it was written by the client itself."""
        if not self.trust(peer):
            return peer
        forwarded = b",".join(value for name, value in headers if name == b"x-forwarded-for")
        for part in reversed(forwarded.decode("latin-1").split(",")):
            address = part.strip()
            if _parsed(address) is None:
                break
            if not self.trust(address):
                return address
        return peer

    def _within(self, address: str) -> bool:
        found = _parsed(address)
        return found is not None and any(found in network for network in self._networks)


def owner_of(address: str) -> str:
    """What is counted as one client: an address, or the /64 that one holder of IPv6 has."""
    found = _parsed(address)
    if isinstance(found, IPv6Address):
        return str(ip_network((int(found) >> 64 << 64, 64)).network_address)
    return address


def _parsed(address: str) -> object:
    try:
        found = ip_address(address.partition("%")[0])
    except ValueError:
        return None
    return getattr(found, "ipv4_mapped", None) or found
