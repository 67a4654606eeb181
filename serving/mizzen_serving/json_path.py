"""Where in a JSON text something is wrong. Only refused requests are walked through."""

from __future__ import annotations

import json
import re
from typing import Any, NamedTuple

_TOKEN = re.compile(rb'"(?:[^"\\]|\\.)*"?|[{}\[\],:]|[^\s{}\[\],:"]+', re.DOTALL)
_HALF = re.compile(
    rb"\\u[dD][89abAB][0-9a-fA-F]{2}(?!\\u[dD][c-fC-F][0-9a-fA-F]{2})"
    rb"|(?<!\\u[dD][89abAB][0-9a-fA-F]{2})\\u[dD][c-fC-F][0-9a-fA-F]{2}"
)
_DEEPEST = 100


class TextFault(NamedTuple):
    """Bytes that are no text: `at` is their offset."""

    at: int
    what: str


def text_fault(body: bytes) -> TextFault | None:
    """The first bytes that are not UTF-8, or half of a pair of surrogates."""
    try:
        body.decode()
    except UnicodeDecodeError as error:
        found = body[error.start : error.start + 1].hex()
        return TextFault(error.start, f"byte 0x{found} at {error.start} is not UTF-8")
    half = _HALF.search(body)
    if half is None:
        return None
    return TextFault(half.start(), f"{half[0].decode()} at {half.start()} is half a character")


def path_at(body: bytes, offset: int) -> str | None:
    """The path, such as `rows[3].distance`, of the field that holds this byte; None outside of
    any, or deeper than a request goes."""
    path: list[Any] = []  # a number for each list around, a name (None before it) for each object
    expects_name = False
    for token in _TOKEN.finditer(body):
        if token.start() > offset:
            break
        text = token[0]
        if text in b"{[":
            path.append(None if text == b"{" else 0)
            expects_name = text == b"{"
        elif text in b"}]":
            path = path[:-1]
            expects_name = False
        elif text == b"," and path:
            expects_name = not isinstance(path[-1], int)
            path[-1] = path[-1] + 1 if isinstance(path[-1], int) else None
        elif expects_name and path:
            path[-1], expects_name = _name(text), False
        if len(path) > _DEEPEST:
            return None
    return _written(path)


def _name(token: bytes) -> str:
    return token.decode("utf-8", "replace").strip('"')


def _written(path: list[Any]) -> str | None:
    text = "".join(
        f"[{part}]" if isinstance(part, int) else f".{part}" for part in path if part is not None
    )
    return text.lstrip(".") or None


class _Twice(Exception):
    """A name that an object holds twice."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name


def first_repeated(body: bytes) -> str | None:
    """The path of the first field that a row of the body, or the object around the rows, holds
    twice. The body was decoded before: rows hold plain values."""
    closed = 0

    def close(pairs: list[tuple[str, Any]]) -> None:
        nonlocal closed
        if len({name for name, _ in pairs}) < len(pairs):
            names = [name for name, _ in pairs]
            raise _Twice(next(name for name in names if names.count(name) > 1))
        closed += 1

    try:
        json.loads(body, object_pairs_hook=close)
    except _Twice as twice:
        return _row_path(body, closed, twice.name)
    return None


def _row_path(body: bytes, row: int, name: str) -> str:
    if body.lstrip()[:1] == b"[":
        return f"[{row}].{name}"
    if name == "rows":
        return name
    return f"rows[{row}].{name}" if b'"rows"' in body else name
