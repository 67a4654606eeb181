"""What the `type` of an error leads to. No token is asked: a person opens it in a browser."""

from __future__ import annotations

import inspect
from typing import Annotated

from fastapi import APIRouter, Path, Response

import mizzen.errors
from mizzen.errors import MizzenError, NotFound

router = APIRouter(tags=["problems"], prefix="/problems")


@router.get("/{name}", response_class=Response, responses={200: {"content": {"text/plain": {}}}})
def get_problem(name: Annotated[str, Path(max_length=60)]) -> Response:
    """What a type of error means, and whether the same request can help later."""
    kind = getattr(mizzen.errors, name, None)
    if not (isinstance(kind, type) and issubclass(kind, MizzenError)):
        raise NotFound("no such type of error", given=name, allowed=", ".join(_names()))
    again = "can help" if kind.retryable else "is useless"
    text = f"{name}: {inspect.getdoc(kind)}\n\nSending the same request again {again}.\n"
    headers = {"x-content-type-options": "nosniff"}
    return Response(text, media_type="text/plain", headers=headers)


def _names() -> list[str]:
    found = vars(mizzen.errors).items()
    return sorted(n for n, k in found if isinstance(k, type) and issubclass(k, MizzenError))
