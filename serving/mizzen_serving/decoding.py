"""A request's body -> rows, or an error that names the field, what was given and allowed.

The hot path is one call of msgspec; `refusals` explains what it does not take.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, NamedTuple

import msgspec

from mizzen.core.canonical import canonical_text
from mizzen.errors import InvalidData
from mizzen_serving.contract import ALLOWED, INSTANT_YEARS, INSTANTS, TEXTS, Contract
from mizzen_serving.field_names import readable, with_readable_names
from mizzen_serving.instants import is_fine, with_plain_instants
from mizzen_serving.json_path import first_repeated
from mizzen_serving.refusals import RefusedRequest, not_json, repeated, wrong_field
from mizzen_serving.rows import Row, picker

NO_JSON = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
_BATCH_OBJECT = re.compile(rb'\s*\{\s*"rows"\s*:')
_FIRST_YEAR, _LAST_YEAR = INSTANT_YEARS


class Request(NamedTuple):
    """`rows` as tuples in the contract's order; `single` asks for a single answer."""

    rows: list[Row]
    single: bool


class Decoder:
    """Reads bodies of `POST /predict`."""

    def __init__(self, contract: Contract) -> None:
        self._contract = contract
        self._allowed = {field.name: ALLOWED[field.role] for field in contract.fields}
        fields = list(enumerate(contract.fields))
        texts = [n for n, field in fields if field.role in TEXTS]
        self._optional = picker([n for n, field in fields if not field.required])
        self._texts = picker(texts)
        self._mixed = picker([n for n, f in fields if f.role not in TEXTS and f.role != "number"])
        self._most_parts = len(fields) + len(texts)
        self._typed = contract.typed_names
        self._numbers = contract.declared_numbers
        self._instants = [readable(f.name) for f in contract.fields if f.role in INSTANTS]
        self._names_instants = any(f.role in INSTANTS - {"time"} for f in contract.fields)
        self._escaped = contract.has_escaped_names
        row = contract.row_type()
        batch = msgspec.defstruct("Batch", [("rows", list[row])], forbid_unknown_fields=True)  # type: ignore[valid-type]
        self._one = msgspec.json.Decoder(row)
        self._many = msgspec.json.Decoder(list[row])  # type: ignore[valid-type]
        self._batch = msgspec.json.Decoder(batch)

    def decode(self, body: bytes) -> Request:
        """Raises Refused with 400 (no JSON), 413 (too many rows) or 422 (a field)."""
        try:
            rows = self._read(with_readable_names(body) if self._escaped else body)
        except msgspec.ValidationError as error:
            raise wrong_field(error, body, self._allowed) from None
        except NO_JSON as error:
            raise not_json(error, body) from None
        single = not isinstance(rows, list)
        to_tuple = msgspec.structs.astuple
        tuples = [to_tuple(rows)] if single else [to_tuple(row) for row in self._sized(rows)]
        self._check_instants(tuples, single, body)
        self._check_repeated(tuples, single, body)
        if self._typed or self._numbers:
            paths = [""] if single else [f"rows[{number}]." for number in range(len(tuples))]
            tuples = [self._named(*each) for each in zip(tuples, paths, strict=True)]
        return Request(tuples, single)

    def _read(self, body: bytes) -> Any:
        """What `_decode` makes of it, instants in any form of ISO 8601."""
        if self._names_instants and is_fine(body):
            body = with_plain_instants(body, self._instants)
        try:
            return self._decode(body)
        except msgspec.ValidationError:
            plain = with_plain_instants(body, self._instants)
            if plain == body:
                raise
        return self._decode(plain)

    def _decode(self, body: bytes) -> Any:
        """One row, or the list of them."""
        if _BATCH_OBJECT.match(body):
            return self._batch.decode(body).rows  # type: ignore[attr-defined]
        if body.lstrip()[:1] == b"[":
            return self._many.decode(body)
        try:
            return self._one.decode(body)
        except msgspec.ValidationError:
            if not _holds_rows(body):
                raise
        return self._batch.decode(body).rows  # type: ignore[attr-defined]

    def _named(self, row: Row, path: str) -> Row:
        """The row with every category and instant as the text that names its value."""
        values = list(row)
        for place, name in self._numbers:
            _check_number(values[place], f"{path}{name}")
        for place, name in self._typed:
            try:
                values[place] = canonical_text(values[place])
            except InvalidData as error:
                raise RefusedRequest(422, error.message, f"{path}{name}", **_told(error)) from None
        return tuple(values)

    def _sized(self, rows: list[Any]) -> list[Any]:
        if 0 < len(rows) <= self._contract.max_batch:
            return rows
        raise RefusedRequest(
            413 if rows else 422,
            "too many rows" if rows else "no rows",
            field="rows",
            given=f"{len(rows)} rows",
            allowed=f"1 to {self._contract.max_batch} rows (serving.max_batch)",
            next_step="send the rows in several requests",
        )

    def _check_instants(self, rows: Sequence[Row], single: bool, body: bytes) -> None:
        place = self._contract.time
        if place is None:
            return
        for number, row in enumerate(rows):
            at = row[place]
            if at is not None and not _FIRST_YEAR <= at.year <= _LAST_YEAR:
                name = self._contract.fields[place].name
                around = "" if single else "rows" if body.lstrip()[:1] == b"{" else ""
                path = name if single else f"{around}[{number}].{name}"
                raise RefusedRequest(
                    422,
                    f"field {path!r} is out of range",
                    field=path,
                    given=at.isoformat(),
                    allowed=ALLOWED["time"],
                    next_step="fix the field",
                )

    def _check_repeated(self, rows: Sequence[Row], single: bool, body: bytes) -> None:
        """JSON decoders take the last of two equal fields. Where the quotes of a body are those
        that its rows need, nothing is in it twice; any other body is read again."""
        if b"\\" not in body:
            wrapped = not single and body.lstrip()[:1] == b"{"
            if body.count(b'"') == 2 * (wrapped + sum(map(self._quoted_parts, rows))):
                return
        path = first_repeated(body)
        if path is not None:
            raise repeated(path)

    def _quoted_parts(self, row: Row) -> int:
        """How many names and texts the JSON of a row holds at least. A null that need not be
        there counts as absent: where it stands in the body, quotes are left over."""
        absent = self._optional(row).count(None) + self._texts(row).count(None)
        return self._most_parts - absent + [*map(type, self._mixed(row))].count(str)


def _check_number(value: Any, field: str) -> None:
    """Training read the column as numbers: `02116` was 2116. A text that is not a number's own
    name would never be found."""
    if not isinstance(value, str) or not value:
        return
    try:
        number = int(value) if value.lstrip("-").isdecimal() else float(value)
        name = canonical_text(number)
    except (ValueError, InvalidData):
        name = None
    if name != value:
        raise RefusedRequest(
            422,
            f"field {field!r} must be a number, or its digits",
            field,
            given=repr(value),
            allowed=ALLOWED["key of declared numbers"],
            next_step="send a number: data.columns declares the column so",
        )


def _told(error: InvalidData) -> dict[str, Any]:
    return {"given": error.given, "allowed": error.allowed, "next_step": error.next_step}


def _holds_rows(body: bytes) -> bool:
    try:
        return "rows" in msgspec.json.decode(body, type=dict[str, msgspec.Raw])
    except NO_JSON:
        return False
