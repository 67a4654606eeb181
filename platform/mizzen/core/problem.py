"""Errors over HTTP: problem details (RFC 9457), with what our errors say beside them."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mizzen.errors import MizzenError, from_dict

MEDIA_TYPE = "application/problem+json"
TYPES = "/api/v1/problems/"  # followed by a name of the tree of errors; the control API explains it


@dataclass(frozen=True, slots=True)
class Problem:
    """What every refused request gets. `type` names the kind of error and leads to what it means,
    `title` says that in a sentence; `detail` is this error's own message; `given`, `allowed` and
    `next` are what was found, what would be accepted and what to do; `retryable`: whether the same
    request can help later."""

    type: str
    title: str
    status: int
    detail: str
    given: str | None
    allowed: str | None
    next: str | None
    retryable: bool


def problem_of(error: MizzenError, status: int) -> Problem:
    """An error as it is sent."""
    said, kind = error.as_dict(), public_kind(type(error))
    return Problem(
        type=f"{TYPES}{kind.__name__}",
        title=meaning(kind),
        status=status,
        detail=said["message"],
        given=said["given"],
        allowed=said["allowed"],
        next=said["next"],
        retryable=said["retryable"],
    )


def error_of(document: Mapping[str, Any], otherwise: type[MizzenError]) -> MizzenError:
    """The inverse of `problem_of`; reads `MizzenError.as_dict` too, which model services send.

    Args:
        otherwise: the type where the document names none of the tree.
    """
    if "error" in document:
        return from_dict(document, otherwise)
    kind = str(document.get("type") or "").removeprefix(TYPES)
    return from_dict({**document, "error": kind, "message": document.get("detail")}, otherwise)


def public_kind(kind: type[MizzenError]) -> type[MizzenError]:
    """The nearest type that clients know: one of the tree in `mizzen.errors`."""
    return next(k for k in kind.__mro__ if k.__module__ == MizzenError.__module__)


def meaning(kind: type[MizzenError]) -> str:
    """What a type says of all its errors, in a sentence."""
    first = " ".join((inspect.getdoc(kind) or "").split("\n\n")[0].split())
    return first.split(". ")[0].rstrip(".")
