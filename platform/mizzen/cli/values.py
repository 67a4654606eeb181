"""What users type after options, as values."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mizzen.errors import UserError


def overrides(texts: Sequence[str]) -> dict[str, Any]:
    """`gate.margin=0.01` -> {"gate.margin": 0.01}; values are read as YAML."""
    from mizzen.spec.text import scalar

    found = {}
    for text in texts:
        field, equals, value = text.partition("=")
        if not equals or not field:
            raise UserError(
                "--set needs a field and a value",
                given=repr(text),
                allowed="FIELD=VALUE, as in gate.margin=0.01 or features.use=[weather]",
            )
        found[field.strip()] = scalar(value)
    return found


def records(text: str, source: str) -> list[dict[str, Any]]:
    """Rows from JSON: one object, a list of them, or one object a line."""
    import json

    try:
        found = json.loads(text, object_pairs_hook=_once)
    except (ValueError, RecursionError):
        try:
            lines = (line for line in text.splitlines() if line.strip())
            found = [json.loads(line, object_pairs_hook=_once) for line in lines]
        except (ValueError, RecursionError) as error:
            raise UserError(
                f"{source} holds no JSON rows",
                given=error,
                allowed="an object, a list of objects, or one object a line",
            ) from None
    rows = found if isinstance(found, list) else [found]
    if not rows or not all(isinstance(row, dict) for row in rows):
        raise UserError(
            f"{source} holds no rows", allowed="an object, a list of objects, or one a line"
        )
    return rows


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            raise UserError(
                "a name is given twice",
                given=f"{name!r}: {found[name]!r} and {value!r}",
                allowed="each name once in an object",
            )
        found[name] = value
    return found


def read(path: Path | None) -> str:
    """A file's text; `-` is the standard input."""
    import sys

    if path is None or str(path) == "-":
        return sys.stdin.read()
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise UserError(f"{path} cannot be read", given=error) from None
    except UnicodeDecodeError as error:
        raise UserError(
            f"{path} cannot be read", given=error, allowed="UTF-8", next_step="save it as UTF-8"
        ) from None
