"""What a route asks for: a token that counts, the state, a project's name."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Path, Request, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from mizzen.api.checks import LARGEST
from mizzen.api.error_responses import Unauthorized
from mizzen.state.sql_state import SqlState

_bearer = HTTPBearer(auto_error=False, description="one of the tokens of MIZZEN_API_TOKEN")


async def with_token(
    request: Request,
    given: Annotated[HTTPAuthorizationCredentials | None, Security(_bearer)],
) -> None:
    """Let in who carries a token.

    Raises:
        Unauthorized: no token, or none that counts.
    """
    if not request.app.state.settings.tokens.accept("" if given is None else given.credentials):
        raise Unauthorized(
            "the control API asks for a bearer token that counts",
            next_step="send `Authorization: Bearer TOKEN`",
        )


async def _state(request: Request) -> SqlState:
    state: SqlState = request.app.state.mizzen
    return state


StateOf = Annotated[SqlState, Depends(_state)]
ProjectName = Annotated[
    str,
    Path(
        pattern=r"^[a-z]([a-z0-9-]{0,38}[a-z0-9])?$",
        description="lower-case letters, digits and hyphens, a letter first, up to 40",
    ),
]
Id = Annotated[str, Path(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:+-]{0,79}$")]
Digest = Annotated[str, Path(pattern=r"^[0-9a-f]{64}$", description="SHA-256")]
Number = Annotated[int, Path(ge=0, le=LARGEST)]
