"""Errors as answers: problem documents, with the status that an error's type stands for."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from dataclasses import asdict
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from mizzen.core.problem import MEDIA_TYPE, Problem, problem_of
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


_REFERENCE = {"$ref": "#/components/schemas/Problem"}
# For the description of the API; 422 stands there because the framework has its own otherwise.
DESCRIBED: dict[int | str, dict[str, Any]] = {
    "4XX": {"model": Problem, "description": "invalid request; sending it again is useless"},
    422: {"model": Problem, "description": "invalid: a field of another type or value"},
    503: {"model": Problem, "description": "away or busy; the same request again can help"},
}


class Unauthorized(UserError):
    """No token, or none that counts; which of the two is not said."""


class Forbidden(UserError):
    """A token that counts, without the role for this command."""


class TooLarge(InvalidData):
    """A body above the limit."""


_OWN: dict[type[MizzenError], HTTPStatus] = {
    Unauthorized: HTTPStatus.UNAUTHORIZED,
    Forbidden: HTTPStatus.FORBIDDEN,
    TooLarge: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
}


def answer(error: MizzenError, status: HTTPStatus | int | None = None) -> JSONResponse:
    """The error as a problem; clients raise the same type again.

    Args:
        status: another one than that of its type.
    """
    kind = type(error)
    found = status or _OWN.get(kind) or next(STATUS[k] for k in kind.__mro__ if k in STATUS)
    headers = {}
    if found == HTTPStatus.SERVICE_UNAVAILABLE:
        headers["Retry-After"] = "1"
    if found == HTTPStatus.UNAUTHORIZED:
        headers["WWW-Authenticate"] = "Bearer"
    told = {name: _sendable(value) for name, value in asdict(problem_of(error, found)).items()}
    return JSONResponse(told, found, headers, media_type=MEDIA_TYPE)


def describe(document: dict[str, Any]) -> None:
    """Say in an OpenAPI document what the framework does not: problems have a media type of their
    own, and who has an answer already is told so."""
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            responses = operation["responses"]
            for described in responses.values():
                content = described.get("content", {})
                for kind, part in list(content.items()):
                    if part.get("schema") == _REFERENCE:
                        content[MEDIA_TYPE] = content.pop(kind)
            if method == "get" and "/api/" in path and "application/json" in _content(responses):
                responses["304"] = {"description": "as `If-None-Match` has it: see its ETag"}


def _content(responses: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = responses["200"].get("content", {})
    return found


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
    return answer(found, HTTPStatus.BAD_REQUEST if first["type"] == "json_invalid" else None)


async def _http(request: Request, error: Exception) -> JSONResponse:
    if not isinstance(error, HTTPException):
        raise AssertionError(error)
    if error.status_code == HTTPStatus.NOT_FOUND:
        return answer(NotFound("no such address in this API", given=request.url.path[:200]))
    wrong = UserError(f"{request.method} is no method of this path", given=request.url.path[:200])
    told = answer(wrong, error.status_code)
    told.headers.update(error.headers or {})
    return told
