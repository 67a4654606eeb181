"""A request's body -> rows, or an error that names the field, what was given and allowed.

The hot path is one call of msgspec; explaining a refusal may cost more.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

import msgspec

from mizzen.errors import InvalidData
from mizzen_serving.contract import ALLOWED, Contract, Field

Row = tuple[Any, ...]
_BATCH_OBJECT = re.compile(rb'\s*\{\s*"rows"\s*:')
_PATH = re.compile(r" - at `\$(?P<path>[^`]*)`$")
_NAMED = re.compile(r"(?P<problem>missing required|contains unknown) field `(?P<name>[^`]+)`")


class Refused(InvalidData):
    """A request that is answered with a status of the 4xx; `field` is its JSON path."""

    def __init__(self, status: int, message: str, field: str | None = None, **told: Any) -> None:
        super().__init__(message, **told)
        self.status = status
        self.field = field

    def as_dict(self) -> dict[str, Any]:
        """The answer's body."""
        return {**super().as_dict(), "error": "InvalidData", "field": self.field}


@dataclass(frozen=True, slots=True)
class Request:
    """`rows` as tuples in the contract's order; `single` asks for a single answer."""

    rows: list[Row]
    single: bool


class Decoder:
    """Reads bodies of `POST /predict`."""

    def __init__(self, contract: Contract) -> None:
        self._contract = contract
        row = contract.row_type()
        batch = msgspec.defstruct("Batch", [("rows", list[row])], forbid_unknown_fields=True)  # type: ignore[valid-type]
        self._one = msgspec.json.Decoder(row)
        self._many = msgspec.json.Decoder(list[row])  # type: ignore[valid-type]
        self._batch = msgspec.json.Decoder(batch)

    def decode(self, body: bytes) -> Request:
        """Raises Refused with 400 (no JSON), 413 (too many rows) or 422 (a field)."""
        to_tuple = msgspec.structs.astuple
        try:
            if body[:1] == b"{" and not _BATCH_OBJECT.match(body):
                return Request([to_tuple(self._one.decode(body))], True)
            if _BATCH_OBJECT.match(body):
                rows: list[Any] = self._batch.decode(body).rows  # type: ignore[attr-defined]
            elif body.lstrip()[:1] == b"[":
                rows = self._many.decode(body)
            else:
                return Request([to_tuple(self._one.decode(body))], True)
        except msgspec.ValidationError as error:
            raise self._explain(str(error), body) from None
        except msgspec.DecodeError as error:
            raise _no_json(error) from None
        return Request([to_tuple(row) for row in self._sized(rows)], False)

    def _sized(self, rows: list[Any]) -> list[Any]:
        if 0 < len(rows) <= self._contract.max_batch:
            return rows
        raise Refused(
            413 if rows else 422,
            "too many rows" if rows else "no rows",
            field="rows",
            given=f"{len(rows)} rows",
            allowed=f"1 to {self._contract.max_batch} rows (serving.max_batch)",
            next_step="send the rows in several requests",
        )

    def _explain(self, message: str, body: bytes) -> Refused:
        found = _PATH.search(message)
        path = found["path"].lstrip(".") if found else ""
        named = _NAMED.search(message)
        if named is not None:
            return self._field_missing_or_unknown(named["problem"], named["name"], path)
        name = path.rsplit(".", 1)[-1]
        field = next((f for f in self._contract.fields if f.name == name), None)
        return Refused(
            422,
            f"field {path or '(whole body)'!r} does not fit",
            field=path or None,
            given=_shown(body, path),
            allowed=ALLOWED[field.role] if field else "an object, or a list of objects",
            next_step="mend the field; /openapi.json tells what a row holds",
        )

    def _field_missing_or_unknown(self, problem: str, name: str, path: str) -> Refused:
        known: dict[str, Field] = {field.name: field for field in self._contract.fields}
        field = f"{path}.{name}" if path else name
        if problem == "missing required" and name in known:
            allowed = ALLOWED[known[name].role]
            return Refused(
                422, f"field {field!r} is missing", field, allowed=allowed, next_step="add it"
            )
        close = get_close_matches(name, known, n=1)
        return Refused(
            422,
            f"field {field!r} is not known",
            field,
            given=name,
            allowed=", ".join(known),
            next_step=f"did you mean {close[0]!r}?" if close else "remove it",
        )


def _no_json(error: Exception) -> Refused:
    return Refused(
        400,
        "the body is not JSON",
        given=error,
        allowed='a row as an object, or {"rows": [...]}',
        next_step="mend the body; null stands for an unknown number, NaN is not JSON",
    )


def _shown(body: bytes, path: str) -> str:
    """The value at a path such as `rows[3].distance`, as short JSON text."""
    try:
        value = msgspec.json.decode(body)
    except msgspec.ValidationError:  # a number that no float64 holds: shown as it was written
        value = json.loads(body, parse_float=str, parse_int=str)
    for part in re.findall(r"[^.\[\]]+", path):
        try:
            value = value[int(part)] if isinstance(value, list) else value[part]
        except (KeyError, IndexError, TypeError, ValueError):
            break
    text = msgspec.json.encode(value).decode()
    return text if len(text) <= 200 else f"{text[:200]}..."
