"""How much one client, and all of them together, may take of a server before they are answered.

Both servers read them from MIZZEN_LIMITS, as in `{"connections": 500, "trusted_proxies":
["10.0.0.0/8"]}`; docs/reference/environment.md describes each.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, fields
from ipaddress import ip_network
from typing import Any

from mizzen.errors import UserError

VARIABLE = "MIZZEN_LIMITS"


@dataclass(frozen=True, slots=True)
class Limits:
    """Of one process; counts are whole, times in seconds.

    `header_bytes` and `header_count`: of a request's line and headers. `first_byte_seconds`: from
    the connection to its first byte. `headers_seconds`: from there to the end of the headers.
    `body_seconds`: from there to the end of the body, and longer by what arrived divided by
    `body_rate` (bytes a second). `idle_seconds`: between two requests of a connection.
    `send_seconds`: how long a client may leave its answer unread. `connections`: in all, and
    `connections_per_address`: of one address, unless it is one of the `trusted_proxies`
    (addresses or networks, whose X-Forwarded-For is believed). `pipelined`: requests of one
    connection that wait for the answer to an earlier one.
    """

    header_bytes: int = 32_768
    header_count: int = 100
    first_byte_seconds: float = 10.0
    headers_seconds: float = 10.0
    body_seconds: float = 30.0
    body_rate: int = 16_384
    idle_seconds: float = 75.0
    send_seconds: float = 60.0
    connections: int = 4096
    connections_per_address: int = 1024
    pipelined: int = 16
    trusted_proxies: tuple[str, ...] = ()

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None) -> Limits:
        """Those of MIZZEN_LIMITS, and the defaults.

        Raises:
            UserError: the variable is no JSON object of these limits.
        """
        text = (os.environ if environment is None else environment).get(VARIABLE) or "{}"
        try:
            given = json.loads(text)
        except ValueError as error:
            raise _refusal(f"{text[:200]}: {error}") from None
        if not isinstance(given, dict):
            raise _refusal(text[:200])
        return cls(**{name: _checked(name, value) for name, value in given.items()})


def _checked(name: str, value: Any) -> Any:
    kinds = {field.name: field.default for field in fields(Limits)}
    if name not in kinds:
        raise _refusal(name)
    if name == "trusted_proxies":
        return _networks(value)
    whole = isinstance(kinds[name], int)
    if isinstance(value, bool) or not isinstance(value, int if whole else int | float):
        raise _refusal(f"{name}: {value!r}", "a whole number" if whole else "a number of seconds")
    if not 0 < value <= 1_000_000_000:
        raise _refusal(f"{name}: {value!r}", "above 0")
    return value


def _networks(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise _refusal(f"trusted_proxies: {value!r}", 'a list such as ["10.0.0.0/8"]')
    for one in value:
        try:
            ip_network(one)
        except ValueError as error:
            raise _refusal(f"trusted_proxies: {error}", "addresses and networks") from None
    return tuple(value)


def _refusal(given: str, allowed: str | None = None) -> UserError:
    names = ", ".join(field.name for field in fields(Limits))
    return UserError(
        f"{VARIABLE} does not hold limits",
        given=given,
        allowed=allowed or f"a JSON object of {names}",
        next_step=f"fix {VARIABLE}, or unset it for the defaults",
    )
