"""The state's records as JSON, for both ends of the control API.

`records.document` writes them; they are read by their own types, so there is no second
description of any of them.
"""

from __future__ import annotations

from typing import Any, TypeVar

from pydantic import TypeAdapter

T = TypeVar("T")
_ADAPTERS: dict[Any, TypeAdapter[Any]] = {}


def read(kind: type[T], document: Any) -> T:
    """A record, or a list of them, from its document."""
    if kind not in _ADAPTERS:
        _ADAPTERS[kind] = TypeAdapter(kind)
    found: T = _ADAPTERS[kind].validate_python(document)
    return found
