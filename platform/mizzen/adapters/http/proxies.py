"""The proxy that the environment names for an address."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit
from urllib.request import getproxies, proxy_bypass

from mizzen.adapters.loopback import is_loopback


@dataclass(frozen=True, slots=True)
class Proxy:
    """`headers`: its credentials, if the environment holds some."""

    host: str
    port: int
    headers: Mapping[str, str]


def proxy_of(address: str) -> Proxy | None:
    """By HTTP_PROXY, HTTPS_PROXY and NO_PROXY; none for this machine."""
    parts = urlsplit(address)
    named = getproxies().get(parts.scheme)
    if not named or is_loopback(address) or proxy_bypass(parts.netloc.rpartition("@")[2]):
        return None
    found = urlsplit(named if "://" in named else f"http://{named}")
    return Proxy(
        found.hostname or "", found.port or 80, _credentials(found.username, found.password)
    )


def _credentials(user: str | None, password: str | None) -> Mapping[str, str]:
    if not user:
        return {}
    given = f"{unquote(user)}:{unquote(password or '')}"
    return {"Proxy-Authorization": "Basic " + base64.b64encode(given.encode()).decode()}
