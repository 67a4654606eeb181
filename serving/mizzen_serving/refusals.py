"""Why a request is refused: the field, what was given, what is allowed, what to do next.

`decoding`, `labels` and `bodies` raise what is made here. Explaining costs more than reading,
and only a refused request pays for it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import Any

import msgspec

from mizzen.errors import InvalidData
from mizzen_serving.field_names import meant
from mizzen_serving.json_path import path_at, text_fault

_PATH = re.compile(r" - at `\$(?P<path>.*)`$", re.DOTALL)
_NAMED = re.compile(
    r"(?P<problem>missing required|contains unknown) field `(?P<name>.+?)`( - at `\$.*`)?$",
    re.DOTALL,
)
# `name`, `rows`, `rows[3].name`, `[3].name`: a name may hold points and brackets itself
_STEPS = re.compile(r"(?P<rows>rows)?(\[(?P<row>\d+)\])?(?:^|\.|$)(?P<name>.*)", re.DOTALL)
_BYTE = re.compile(r"\(byte (\d+)\)")
_SHOWN = 200  # characters of a value


class RefusedRequest(InvalidData):
    """A request that is answered with a status of the 4xx; `field` is its JSON path, `headers`
    go with the answer."""

    headers: Sequence[tuple[bytes, bytes]] = ()

    def __init__(self, status: int, message: str, field: str | None = None, **told: Any) -> None:
        super().__init__(message, **told)
        self.status = status
        self.field = field

    def as_dict(self) -> dict[str, Any]:
        """The answer's body."""
        return {**super().as_dict(), "error": "InvalidData", "field": self.field}


def not_json(error: Exception, body: bytes) -> RefusedRequest:
    """400 for a body that no JSON decoder takes; names the field that it breaks off in."""
    if isinstance(error, RecursionError):
        return RefusedRequest(
            400,
            "the body is nested too deeply",
            given=error,
            allowed="a row is an object of plain values",
            next_step="send values as text, numbers, true, false or null",
        )
    found = _BYTE.search(str(error))
    fault = text_fault(body)  # before the rest: msgspec says "truncated" for half a character
    at = fault.at if fault else int(found[1]) if found else len(body)
    return RefusedRequest(
        400,
        "the body is not JSON",
        field=path_at(body, at),
        given=fault.what if fault else error,
        allowed='a row as an object, or {"rows": [...]}, in UTF-8',
        next_step="fix the body; null stands for an unknown number, NaN and Infinity are not JSON",
    )


def wrong_field(error: Exception, body: bytes, allowed: Mapping[str, str]) -> RefusedRequest:
    """422 for a field that a row must not hold so.

    Args:
        allowed: field name -> what it may hold.
    """
    text = meant(str(error))
    found = _PATH.search(text)
    path = found["path"].removeprefix(".") if found else ""
    named = _NAMED.search(text)
    if named is not None:
        return _missing_or_unknown(named["problem"], named["name"], path, allowed)
    steps = _steps(path, allowed)
    name = steps[-1] if steps else ""
    return RefusedRequest(
        422,
        f"field {path or '(whole body)'!r} does not fit",
        field=path or None,
        given=_shown(body, steps),
        allowed=allowed.get(str(name), "an object, or a list of objects"),
        next_step="fix the field; /openapi.json describes what a row holds",
    )


def repeated(path: str) -> RefusedRequest:
    """422: JSON does not say which of two equal fields counts."""
    return RefusedRequest(
        422,
        f"field {path!r} is given twice",
        field=path,
        allowed="each field once",
        next_step="remove one of the two",
    )


def _missing_or_unknown(
    problem: str, name: str, path: str, allowed: Mapping[str, str]
) -> RefusedRequest:
    field = f"{path}.{name}" if path else name
    if problem == "missing required" and name in allowed:
        return RefusedRequest(
            422, f"field {field!r} is missing", field, allowed=allowed[name], next_step="add it"
        )
    close = get_close_matches(name, allowed, n=1)
    return RefusedRequest(
        422,
        f"field {field!r} is not known",
        field,
        given=name[:_SHOWN],
        allowed=", ".join(allowed),
        next_step=f"did you mean {close[0]!r}?" if close else "remove it",
    )


def _steps(path: str, allowed: Mapping[str, str]) -> list[str | int]:
    """The way from the body to the value: names, and numbers of rows."""
    found = None if path in allowed else _STEPS.fullmatch(path)
    if found is None:
        return [path]
    row = None if found["row"] is None else int(found["row"])
    return [step for step in (found["rows"], row, found["name"]) if step not in (None, "")]


def _shown(body: bytes, steps: Sequence[str | int]) -> str | None:
    """The value at the end of the steps, as short JSON text; None where what follows it cannot
    be read."""
    try:
        value = _decoded(body)
        for step in steps:
            try:
                value = value[step]
            except (KeyError, IndexError, TypeError):
                break
        text = msgspec.json.encode(value).decode()
    except (msgspec.DecodeError, ValueError, RecursionError):
        return None
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."


def _decoded(body: bytes) -> Any:
    try:
        return msgspec.json.decode(body)
    except msgspec.ValidationError:  # a number that no float64 holds: shown as it was written
        return json.loads(body, parse_float=str, parse_int=str)
