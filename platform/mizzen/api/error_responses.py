"""Errors as answers: the tree's own document, with the status that its type stands for."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from mizzen.errors import (
    Conflict,
    IntegrityError,
    InvalidData,
    InvalidProject,
    MizzenError,
    NotFound,
    TemporaryError,
    Unsupported,
    UserError,
)

logger = logging.getLogger("mizzen.api")
# The nearest type counts: a NotFound is a UserError too.
STATUS: dict[type[MizzenError], HTTPStatus] = {
    NotFound: HTTPStatus.NOT_FOUND,
    Conflict: HTTPStatus.CONFLICT,
    InvalidData: HTTPStatus.UNPROCESSABLE_ENTITY,
    InvalidProject: HTTPStatus.UNPROCESSABLE_ENTITY,
    Unsupported: HTTPStatus.NOT_IMPLEMENTED,
    UserError: HTTPStatus.BAD_REQUEST,
    IntegrityError: HTTPStatus.INTERNAL_SERVER_ERROR,
    TemporaryError: HTTPStatus.SERVICE_UNAVAILABLE,
    MizzenError: HTTPStatus.INTERNAL_SERVER_ERROR,
}


@dataclass(frozen=True, slots=True)
class Fault:
    """What every refused request gets; see `MizzenError.as_dict`."""

    error: str
    message: str
    given: str | None
    allowed: str | None
    next: str | None
    retryable: bool


# For the description of the API; 422 stands there because the framework has its own otherwise.
DESCRIBED: dict[int | str, dict[str, Any]] = {
    "4XX": {"model": Fault, "description": "invalid request; sending it again is useless"},
    422: {"model": Fault, "description": "a field of it does not fit"},
    503: {"model": Fault, "description": "away or busy; the same request again can help"},
}


class Unauthorized(UserError):
    """No token, or none that counts; which of the two is not said."""


class Forbidden(UserError):
    """A token that counts, without the role for this command."""


class TooLarge(InvalidData):
    """A body above the limit."""


_NAMED_ALIKE: dict[type[MizzenError], str] = {
    Unauthorized: "UserError",
    Forbidden: "UserError",
    TooLarge: "InvalidData",
}
_OWN: dict[type[MizzenError], HTTPStatus] = {
    Unauthorized: HTTPStatus.UNAUTHORIZED,
    Forbidden: HTTPStatus.FORBIDDEN,
    TooLarge: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
}


def answer(error: MizzenError) -> JSONResponse:
    """The error's document; clients raise the same type again."""
    kind = type(error)
    status = _OWN.get(kind) or next(STATUS[k] for k in kind.__mro__ if k in STATUS)
    headers = {}
    if status is HTTPStatus.SERVICE_UNAVAILABLE:
        headers["Retry-After"] = "1"
    if status is HTTPStatus.UNAUTHORIZED:
        headers["WWW-Authenticate"] = "Bearer"
    told = error.as_dict() | {"error": _NAMED_ALIKE.get(kind, kind.__name__)}
    return JSONResponse({name: _sendable(value) for name, value in told.items()}, status, headers)


def _sendable(value: Any) -> Any:
    """Half a surrogate pair, which a refused request may hold, is shown as its escape."""
    return value.encode(errors="backslashreplace").decode() if isinstance(value, str) else value


def _shown(value: Any) -> str:
    """As JSON, in which "7" is not 7."""
    return json.dumps(value, default=str, ensure_ascii=False)[:200]


def install(app: FastAPI) -> None:
    """Let every fault of a request be told like this."""
    app.add_exception_handler(MizzenError, _ours)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)


async def _ours(request: Request, error: Exception) -> JSONResponse:
    if not isinstance(error, MizzenError):
        raise AssertionError(error)
    if not isinstance(error, UserError):
        logger.warning("%s: %s", request.scope.get("mizzen.request"), error)
    return answer(error)


async def _invalid(_request: Request, error: Exception) -> JSONResponse:
    if not isinstance(error, RequestValidationError):
        raise AssertionError(error)
    first: Mapping[str, Any] = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"] if part != "body") or "the body"
    found = InvalidData(
        "invalid request",
        given=f"{where}: {_shown(first['input'])}" if "input" in first else None,
        allowed=first["msg"],
        next_step="fix it; /api/v1/openapi.json describes every request",
    )
    told = answer(found)
    if first["type"] == "json_invalid":
        told.status_code = HTTPStatus.BAD_REQUEST
    return told


async def _http(request: Request, error: Exception) -> JSONResponse:
    if not isinstance(error, HTTPException):
        raise AssertionError(error)
    if error.status_code == HTTPStatus.NOT_FOUND:
        return answer(NotFound("no such address in this API", given=request.url.path[:200]))
    told = answer(
        UserError(f"{request.method} is no method of this path", given=request.url.path[:200])
    )
    told.status_code = error.status_code
    told.headers.update(error.headers or {})
    return told
