"""Who may ask the service: what its named bearer tokens may allow."""

from __future__ import annotations

from mizzen.adapters.files.tokens import TokenFormat

_RIGHTS = frozenset({"predict", "labels"})
CALLERS = TokenFormat("the service", _RIGHTS, _RIGHTS, "docs/how-to/guard-a-service.md")
