"""Fields whose names JSON writes with escapes: a quote, a backslash, a control character.

A column may be called anything; msgspec's types take no such name. In the types and in what
they read, each of these characters is replaced by one of Unicode's private use.
"""

from __future__ import annotations

import json
import re

_PRIVATE = 0xF0000
_STAND_INS = {code: _PRIVATE + code for code in (*range(32), ord('"'), ord("\\"))}
_MEANT = {stand_in: code for code, stand_in in _STAND_INS.items()}
_STRING = re.compile(rb'"(?:[^"\\]|\\.)*"(?P<names>\s*:)?', re.DOTALL)


def readable(name: str) -> str:
    """The name as msgspec's types take it; most are so already."""
    return name.translate(_STAND_INS)


def meant(text: str) -> str:
    """A text that holds such names, with the names as they are."""
    return text.translate(_MEANT)


def with_readable_names(body: bytes) -> bytes:
    """A JSON text with the names of its fields as `readable` makes them."""
    return _STRING.sub(_renamed, body) if b"\\" in body else body


def _renamed(found: re.Match[bytes]) -> bytes:
    if found["names"] is None or b"\\" not in found[0]:
        return found[0]
    end = found.start("names") - found.start()
    try:
        name = json.loads(found[0][:end])
        return json.dumps(readable(name), ensure_ascii=False).encode() + found[0][end:]
    except ValueError:  # no JSON: the decoder says so
        return found[0]
