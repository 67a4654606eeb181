"""Instants of a request in every form that a file may have them in.

msgspec reads RFC 3339 only, and rounds what is below a microsecond, where files are cut there.
A body that holds another form, or such digits, is written anew with its instants in UTC.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from contextlib import suppress
from typing import Any

import msgspec

from mizzen.core.instants import read_instant

_FINE = re.compile(rb":[0-9]{2}\.[0-9]{7}")


def is_fine(body: bytes) -> bool:
    """Whether a time in it may have digits below a microsecond."""
    return _FINE.search(body) is not None


def with_plain_instants(body: bytes, names: Collection[str]) -> bytes:
    """The same rows; what is no instant stays as it is, to be refused under its own name, and so
    does a body of which nothing can be said here."""
    try:
        document = msgspec.json.decode(body)
        found = document.get("rows", document) if isinstance(document, dict) else document
        rows = found if isinstance(found, list) else [found]
        for row in (row for row in rows if isinstance(row, dict)):
            row.update({name: _plain(row[name]) for name in names if name in row})
        return msgspec.json.encode(document)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, OverflowError):
        return body


def _plain(value: Any) -> Any:
    if isinstance(value, str):
        with suppress(ValueError, OverflowError):
            return read_instant(value).isoformat()
    return value
