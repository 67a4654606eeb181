"""JSON bodies, read to the letter. The framework alone would take `"7"` and `7.0` for 7 and
`"true"` for true, keep the last of two values, and drop the names that it does not know."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Coroutine, Iterator, Mapping
from dataclasses import fields, is_dataclass
from datetime import datetime
from http import HTTPStatus
from typing import Any

from fastapi import Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from pydantic import BaseModel, TypeAdapter, ValidationError

from mizzen.api.checks import INSTANT, keepable
from mizzen.errors import InvalidData

_DATE = re.compile(r"\d{4}-\d\d-\d\d")
_OBJECT = "a JSON object whose names occur once, up to 200 levels deep"


Handler = Callable[[Request], Coroutine[Any, Any, Response]]


class StrictRoute(APIRoute):
    """A route whose JSON body has the declared types before the framework reads it. What is read
    by GET has an ETag, which whoever polls sends back."""

    def get_route_handler(self) -> Handler:
        """See `APIRoute`."""
        handle = super().get_route_handler()
        if "GET" in (self.methods or ()):
            return _conditional(handle)
        kind: Any = self.body_field.field_info.annotation if self.body_field else bytes
        if kind is bytes:
            return handle
        adapter: TypeAdapter[Any] = TypeAdapter(kind)

        async def strictly(request: Request) -> Response:
            content = await request.body()
            if content:  # the framework reports that there is none
                # a large one would hold up every other request
                await run_in_threadpool(check_body, adapter, content)
            return await handle(request)

        return strictly


def _conditional(handle: Handler) -> Handler:
    """Answers 304 to one who has the answer already."""

    async def conditionally(request: Request) -> Response:
        answer = await handle(request)
        tag = f'"{hashlib.sha256(answer.body).hexdigest()[:32]}"'
        known = [part.strip().removeprefix("W/") for part in _known(request).split(",")]
        headers = {"etag": tag, "cache-control": "private, no-cache"}
        if tag in known or "*" in known:
            return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=headers)
        answer.headers.update(headers)
        return answer

    return conditionally


def _known(request: Request) -> str:
    return request.headers.get("if-none-match", "")


def check_body(adapter: TypeAdapter[Any], content: bytes) -> None:
    """Hold a JSON body against its type, without conversions.

    Raises:
        InvalidData: a value that no state can keep, a name twice or unknown, an instant that
            is written as a number; with its field.
        RequestValidationError: no JSON, or a value of another type.
    """
    raw = _document(content)
    try:
        value = adapter.validate_json(content, strict=True)
    except ValidationError as error:
        first: Any = error.errors(include_url=False, include_context=False)[0]
        if first["type"] == "json_invalid":
            raise _no_json(first["msg"]) from None
        raise RequestValidationError([first | {"loc": ("body", *first["loc"])}]) from None
    for problem in _left_out(value, raw, ""):
        raise problem


def _document(content: bytes) -> Any:
    try:
        raw = json.loads(content.decode("utf-8"), object_pairs_hook=_once)
        keepable(raw)
    except (ValueError, RecursionError) as error:
        raise _no_json(str(error)) from None
    return raw


def _no_json(reason: str) -> RequestValidationError:
    told = f"{_OBJECT} ({reason})"
    return RequestValidationError([{"type": "json_invalid", "loc": (), "msg": told}])


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            raise InvalidData("a name is given twice", given=ascii(name)[:200], allowed=_OBJECT)
        found[name] = value
    return found


def _left_out(value: Any, raw: Any, where: str) -> Iterator[InvalidData]:
    """What stands in a body and would be passed over, or read as something else."""
    if isinstance(value, datetime) and not _DATE.match(raw):
        yield InvalidData(f"`{where}` is no instant", given=ascii(raw)[:200], allowed=INSTANT)
    inside = _fields(value)
    if inside is None:
        return
    for name in raw:
        path = f"{where}.{name}" if where else name
        if name not in inside:
            yield InvalidData(
                "a field is unknown", given=ascii(path)[:200], allowed=", ".join(inside)
            )
        else:
            yield from _left_out(inside[name], raw[name], path)


def _fields(value: Any) -> Mapping[str, Any] | None:
    if isinstance(value, BaseModel):
        return dict(value)
    if is_dataclass(value):
        return {field.name: getattr(value, field.name) for field in fields(value)}
    return None
