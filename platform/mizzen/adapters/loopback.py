"""Addresses of this machine are never asked through a proxy, whatever HTTP_PROXY and ALL_PROXY say:
a proxy asks its own machine, or nobody."""

from __future__ import annotations

import os
from collections.abc import MutableMapping
from ipaddress import ip_address
from urllib.parse import urlsplit

_NAMES = ("localhost", "127.0.0.1", "::1", "0.0.0.0")  # noqa: S104 (asked, not listened on)
_VARIABLES = ("NO_PROXY", "no_proxy")


def is_loopback(address: str) -> bool:
    """Whether an http address is this machine's own."""
    host = urlsplit(address).hostname or ""
    try:
        found = ip_address(host)
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
    return found.is_loopback or found.is_unspecified


def listens_here_only(host: str) -> bool:
    """Whether a server on this address is reached from this machine alone: 0.0.0.0 is not."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def exempt_loopback(environment: MutableMapping[str, str] = os.environ) -> None:
    """Tell the libraries of this process and of those that it starts, which read NO_PROXY."""
    given = next((environment[name] for name in _VARIABLES[::-1] if environment.get(name)), "")
    names = [name.strip() for name in given.split(",") if name.strip()]
    if "*" in names:
        return
    merged = ",".join([*names, *(name for name in _NAMES if name not in names)])
    for name in _VARIABLES:
        environment[name] = merged
