"""Great Expectations' results as checks, with the failing rows as plain records."""

from __future__ import annotations

import math
from datetime import date
from typing import TYPE_CHECKING, Any

from mizzen.errors import InvalidData
from mizzen.ports.data import Check
from mizzen.spec.data import Expectation

if TYPE_CHECKING:
    import pandas as pd

SHOWN = 10  # failing rows that a check carries


def check_evaluated(table: str, expectation: Expectation, result: Any) -> None:
    """An expectation that could not be computed is an error, not a failed check.

    Raises:
        InvalidData: usually the column's type does not fit the arguments.
    """
    message = _exception(result.exception_info or {})
    if message is not None:
        raise InvalidData(
            f"{expectation.expect} cannot be evaluated on table {table!r}",
            given=f"{expectation.arguments}: {message}",
            next_step="see that the column's type fits the expectation's arguments; texts of a "
            "file are read as numbers with data.columns: [{name: ..., kind: number}]",
        )


def as_check(table: str, expectation: Expectation, result: Any, frame: pd.DataFrame) -> Check:
    """One result as a check; `frame` is the table in the order in which it was judged."""
    outcome = result.result
    column = expectation.arguments.get("column")
    positions = [] if result.success else outcome.get("partial_unexpected_index_list") or []
    return Check(
        expect=expectation.expect,
        table=table,
        column=column if isinstance(column, str) else None,
        success=bool(result.success),
        severity=expectation.severity,
        observed=_observed(outcome),
        failing=0 if result.success else int(outcome.get("unexpected_count") or 0),
        rows=records(frame, positions[:SHOWN]),
    )


def records(frame: pd.DataFrame, positions: list[int]) -> tuple[dict[str, Any], ...]:
    """Rows as JSON-ready mappings, each with its number in the table; the first is row 1."""
    chosen = frame.iloc[positions]
    return tuple(
        {"row": position + 1, **{str(name): _json(value) for name, value in row.items()}}
        for position, row in zip(positions, chosen.to_dict("records"), strict=True)
    )


def _observed(outcome: Any) -> str:
    if "unexpected_count" in outcome and outcome.get("element_count"):
        share = 100 * outcome["unexpected_count"] / outcome["element_count"]
        return f"{outcome['unexpected_count']} of {outcome['element_count']} rows ({share:.3g} %)"
    value = _json(outcome.get("observed_value"))
    if value is None:
        told = outcome.get("partial_unexpected_list") or outcome.get("details")
        return "" if told is None else f"unexpected {told}"
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _exception(info: Any) -> str | None:
    """The message, which lies in the info itself or under the name of a metric."""
    nested = [info, *(part for part in info.values() if isinstance(part, dict))]
    return next((str(p["exception_message"]) for p in nested if p.get("raised_exception")), None)


def _json(value: Any) -> Any:
    plain = value.item() if hasattr(value, "item") and not hasattr(value, "isoformat") else value
    if plain is None or type(plain).__name__ in {"NaTType", "NAType"}:
        return None
    if isinstance(plain, date):
        return plain.isoformat()
    if isinstance(plain, float) and not math.isfinite(plain):
        return None if math.isnan(plain) else str(plain)
    return plain if isinstance(plain, bool | int | float | str) else str(plain)
