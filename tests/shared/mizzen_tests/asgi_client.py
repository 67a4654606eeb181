"""The control API in this process, asked with the token of a role."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import httpx

from mizzen.api.app import create_app
from mizzen.api.roles import Role
from mizzen.api.settings import ModelServices, Settings, Tokens
from mizzen.state.sql_state import SqlState

UNNAMED = "an-unnamed-token-of-the-tests"
CALLERS = {role: f"{role.value}-0123456789abcdef" for role in Role}


class AsgiClient:
    """One application. Its callers are `a-reader`, `a-scientist` and so on.

    Args:
        file: where their tokens are written.
    """

    def __init__(self, state: SqlState, file: Path) -> None:
        lines = [f"a-{role.value} {token} {role.value}" for role, token in CALLERS.items()]
        file.write_text("\n".join(lines))
        settings = Settings(Tokens(UNNAMED, file), ModelServices("http://127.0.0.1:9/{model}", ""))
        self._transport = httpx.ASGITransport(create_app(state, settings))

    def __call__(self, role: Role | None, method: str, path: str, **options: Any) -> httpx.Response:
        """Send a request; with the token that has no name where the role is None."""
        return asyncio.run(self._send(CALLERS[role] if role else UNNAMED, method, path, options))

    async def _send(
        self, token: str, method: str, path: str, options: dict[str, Any]
    ) -> httpx.Response:
        headers = {"Authorization": f"Bearer {token}"} | options.pop("headers", {})
        address = "http://api/api/v1"
        async with httpx.AsyncClient(transport=self._transport, base_url=address) as client:
            return await client.request(method, path, headers=headers, **options)
