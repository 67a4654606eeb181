"""How failed expectations are told: what was expected, and rows that a person can look up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from mizzen.errors import InvalidData
from mizzen.ports.data import Check
from mizzen.spec.data import Data


def failure(broken: Sequence[Check], data: Data, version: str) -> InvalidData:
    """The error for critical expectations that failed, all of them listed."""
    count = len(broken)
    return InvalidData(
        f"{count} expectation{'s' if count > 1 else ''} failed on {version}: nothing was trained",
        given="\n".join(part for check in broken for part in _told(check, data)),
        allowed="every expectation of severity `critical` holds",
        next_step="fix the data; or, if the rows are right, fix the expectation in mizzen.yaml "
        "or give it `severity: warning`",
    )


def kept_rows(checks: Sequence[Check]) -> list[dict[str, Any]]:
    """The failing rows of every failed check, whole."""
    return [
        {"expect": c.expect, "table": c.table, "column": c.column, "rows": list(c.rows)}
        for c in checks
        if not c.success
    ]


def _told(check: Check, data: Data) -> list[str]:
    column = "" if check.column is None else f" on {check.column!r}"
    head = f"{check.expect}{column} of table {check.table!r}: {check.observed or 'not met'}"
    return [head, *(f"    {_shown(row, check, data)}" for row in check.rows)]


def _shown(row: Mapping[str, Any], check: Check, data: Data) -> str:
    """The key and the column that failed; the whole row where no single column is meant."""
    if check.column is None:
        chosen = list(row)
    else:
        names = dict.fromkeys([*data.key, check.column])
        chosen = ["row", *(name for name in names if name in row)]
    return ", ".join(f"{name}={row[name]}" for name in chosen)
