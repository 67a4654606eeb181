"""The door of the service: who may ask, and how often. There is none unless it is asked for.

Health, readiness and metrics are open: probes and Prometheus carry no token, and what they read
names no caller and no row. Everything else asks for a token where there are tokens.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from typing import Any

from mizzen.adapters.files.tokens import Caller, NamedTokens
from mizzen.adapters.uvicorn.addresses import Proxies, owner_of
from mizzen.adapters.uvicorn.limits import Limits
from mizzen_serving.callers import CALLERS
from mizzen_serving.options import ServeOptions
from mizzen_serving.refusals import RefusedRequest

OPEN_PATHS = frozenset({"/healthz", "/readyz", "/metrics"})
_RIGHT_OF = {"/predict": "predict", "/labels": "labels"}
_MOST_CALLERS = 10_000  # remembered at a time
Headers = Sequence[tuple[bytes, bytes]]


class TurnedAway(RefusedRequest):
    """401, 403 or 429."""

    def __init__(
        self, status: int, message: str, header: tuple[bytes, bytes] | None = None, **told: Any
    ) -> None:
        super().__init__(status, message, **told)
        self.headers = () if header is None else (header,)
        self.retryable = status == 429

    def as_dict(self) -> dict[str, Any]:
        """The answer's body."""
        kind = "TemporaryError" if self.retryable else "UserError"
        return {**super().as_dict(), "error": kind}


class RateLimit:
    """So many requests a second of each caller, and as many more at once as were saved up.

    Args:
        rate: requests a second, above 0.
        burst: requests that may come at once.
    """

    def __init__(
        self, rate: float, burst: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._rate, self._burst, self._clock = rate, burst, clock
        self._saved: dict[str, tuple[float, float]] = {}  # caller -> requests saved up, and when

    def wait(self, caller: str) -> float:
        """Take one request; 0, or the seconds until one may be taken."""
        now = self._clock()
        saved, at = self._saved.pop(caller, (self._burst, now))
        saved = min(self._burst, saved + (now - at) * self._rate)
        allowed = saved >= 1.0
        self._saved[caller] = (saved - 1.0 if allowed else saved, now)
        if len(self._saved) > _MOST_CALLERS:  # the one that was silent longest has most saved up
            del self._saved[next(iter(self._saved))]
        return 0.0 if allowed else (1.0 - saved) / self._rate


class Door:
    """Turns requests away before their body is read.

    Args:
        tokens: who may ask; anybody when None.
        limit: how often; as often as they like when None.
        proxies: whose word counts for the address of a client without a token.
    """

    def __init__(
        self, tokens: NamedTokens | None, limit: RateLimit | None, proxies: Proxies
    ) -> None:
        self._tokens, self._limit, self._proxies = tokens, limit, proxies

    def check(self, path: str, headers: Headers, peer: str) -> None:
        """Raises TurnedAway with 401, 403 or 429."""
        if path in OPEN_PATHS:
            return
        caller = None if self._tokens is None else self._caller(self._tokens, path, headers)
        if self._limit is None:
            return
        name = caller.name if caller else owner_of(self._proxies.client(peer, headers))
        seconds = self._limit.wait(name)
        if seconds:
            raise TurnedAway(
                429,
                "too many requests",
                (b"retry-after", str(math.ceil(seconds)).encode()),
                given=f"from {name}",
                next_step=f"send it again in {math.ceil(seconds)} s, with fewer, larger batches",
            )

    def _caller(self, tokens: NamedTokens, path: str, headers: Headers) -> Caller:
        given = next((value for name, value in headers if name == b"authorization"), b"")
        kind, _, token = given.decode("latin-1").partition(" ")
        found = tokens.find(token.strip()) if kind.lower() == "bearer" else None
        if found is None:
            raise TurnedAway(
                401,
                "the service asks for a bearer token that counts",
                (b"www-authenticate", b"Bearer"),
                next_step="send `Authorization: Bearer TOKEN`",
            )
        right = _RIGHT_OF.get(path)
        if right is not None and right not in found.rights:
            raise TurnedAway(
                403,
                f"{found.name} may not ask {path}",
                given=", ".join(sorted(found.rights)),
                allowed=right,
                next_step="use another token, or give this one the right",
            )
        return found


def open_door(options: ServeOptions) -> Door | None:
    """The door that these options ask for, if they do.

    Raises:
        UserError: MIZZEN_LIMITS or the tokens cannot be used.
    """
    if options.tokens is None and options.rate is None:
        return None
    tokens = None if options.tokens is None else NamedTokens(options.tokens, CALLERS)
    limit = None
    if options.rate is not None:
        limit = RateLimit(options.rate, max(1.0, options.burst or 2 * options.rate))
    return Door(tokens, limit, Proxies(Limits.from_environment().trusted_proxies))
