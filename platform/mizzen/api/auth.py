"""What a route asks for: a token that counts, the state, a project's name."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Header, Path, Request, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from mizzen.api.checks import LARGEST
from mizzen.api.error_responses import Forbidden, Unauthorized
from mizzen.api.roles import ALL, COMMANDS, Principal
from mizzen.state.sql_state import SqlState

PRINCIPAL = "mizzen.principal"  # where the middleware leaves it
_READS = frozenset({"GET", "HEAD", "OPTIONS"})
_bearer = HTTPBearer(auto_error=False, description="a named token, or one of MIZZEN_API_TOKEN")


async def principal_of(
    request: Request,
    _given: Annotated[HTTPAuthorizationCredentials | None, Security(_bearer)],
) -> Principal:
    """Who sends this request, and that its roles allow it.

    Raises:
        Unauthorized: no token, or none that counts.
        Forbidden: none of its roles may send this command.
    """
    found: Principal | None = request.scope.get(PRINCIPAL)
    if found is None:
        raise Unauthorized(
            "the control API asks for a bearer token that counts",
            next_step="send `Authorization: Bearer TOKEN`",
        )
    command = request.scope["route"].name
    if request.method not in _READS and not found.may(command):
        raise Forbidden(
            f"{found.name} may not send the command {command}",
            given=f"roles: {', '.join(sorted(found.roles))}",
            allowed=", ".join(sorted(COMMANDS.get(command, ALL))),
            next_step="use a token with such a role, or ask whoever has one",
        )
    return found


PrincipalOf = Annotated[Principal, Depends(principal_of)]


async def _state(request: Request, principal: PrincipalOf) -> SqlState:
    state: SqlState = request.app.state.mizzen
    return state.signed_by(principal.name)


StateOf = Annotated[SqlState, Depends(_state)]
ProjectName = Annotated[
    str,
    Path(
        pattern=r"^[a-z]([a-z0-9-]{0,38}[a-z0-9])?$",
        description="lower-case letters, digits and hyphens, a letter first, up to 40",
    ),
]
ID = r"^[A-Za-z0-9][A-Za-z0-9._:+-]{0,79}$"
Id = Annotated[str, Path(pattern=ID)]
Digest = Annotated[str, Path(pattern=r"^[0-9a-f]{64}$", description="SHA-256")]
IdempotencyKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        pattern=r"^[A-Za-z0-9._:-]{1,40}$",
        description="made by the client: the same command under the same key is done once, and "
        "answered as it was the first time",
    ),
]
Number = Annotated[int, Path(ge=0, le=LARGEST)]
