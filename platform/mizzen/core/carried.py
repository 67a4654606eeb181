"""What a pipeline carries for its steps, in a form that nothing on the way reads.

Argo replaces `{{...}}` wherever it stands and knows no escape; KFP reads its own placeholders
there, and makes every number a double. A structure that holds such text, or an integer that a
double cannot hold, therefore travels as base64 of its JSON. Pure.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import Any

ENCODED = "mizzen.dev/base64-json"
_EXACT = 2**53  # from here on a double stands for several integers


def pack_structure(document: dict[str, Any]) -> dict[str, Any]:
    """The document as it is where nothing on the way would read or round it, else encoded."""
    if not _needs_encoding(document):
        return document
    return {ENCODED: base64.b64encode(json.dumps(document).encode()).decode()}


def unpack_structure(value: Any) -> Any:
    """The inverse, for one structure or a list of them; anything else stays."""
    if isinstance(value, list):
        return [unpack_structure(item) if isinstance(item, Mapping) else item for item in value]
    if isinstance(value, Mapping) and set(value) == {ENCODED}:
        return json.loads(base64.b64decode(value[ENCODED]))
    return value


def label_text(text: str) -> str:
    """Text for people's eyes that no template engine reads: braces stand apart."""
    while "{{" in text or "}}" in text:
        text = text.replace("{{", "{ {").replace("}}", "} }")
    return text


def _needs_encoding(value: Any) -> bool:
    if isinstance(value, Mapping):
        return any(_needs_encoding(part) for item in value.items() for part in item)
    if isinstance(value, list | tuple):
        return any(map(_needs_encoding, value))
    if isinstance(value, str):
        return "{{" in value or "}}" in value
    return isinstance(value, int) and abs(value) >= _EXACT
