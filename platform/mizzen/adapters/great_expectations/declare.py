"""From the project's words to Great Expectations' objects, with errors that teach."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from mizzen.errors import InvalidData, InvalidProject
from mizzen.spec.data import Expectation

if TYPE_CHECKING:
    import pandas as pd

# arguments that every expectation has and that a project has no use for
_COMMON = {
    "id", "meta", "notes", "result_format", "description", "catch_exceptions",
    "rendered_content", "severity", "windows", "batch_id",
}  # fmt: skip
_NAMES_A_COLUMN = ("column", "column_A", "column_B")
_ABOUT_ABSENCE = {"ExpectColumnToExist"}


def declare(expectation: Expectation, number: int) -> Any:
    """The expectation as Great Expectations' object; `number` comes back in its result.

    Raises:
        InvalidProject: no such class, or an argument is missing, unknown or wrong.
    """
    kind = _kind(expectation.expect)
    allowed = sorted(set(kind.__fields__) - _COMMON)
    unknown = sorted(set(expectation.arguments) - set(allowed))
    if unknown:
        raise _refused(expectation, f"does not know {', '.join(map(repr, unknown))}", allowed)
    try:
        return kind(**expectation.arguments, meta={"number": number})
    except (TypeError, ValueError) as error:
        raise _refused(expectation, _faults(error), allowed) from None


def check_columns(table: str, frame: pd.DataFrame, expectations: Iterable[Expectation]) -> None:
    """Every column that an expectation looks at is there.

    Raises:
        InvalidData: with the closest known column for each missing one.
    """
    known = [str(column) for column in frame.columns]
    missing = {
        column: expectation.expect
        for expectation in expectations
        if expectation.expect not in _ABOUT_ABSENCE
        for column in _columns(expectation)
        if column not in known
    }
    if missing:
        close = {name: get_close_matches(name, known, n=1) for name in missing}
        meant = ", ".join(f"{name!r}: {match[0]!r}" for name, match in close.items() if match)
        raise InvalidData(
            f"table {table!r} has no column "
            + ", ".join(f"{name!r} ({expect})" for name, expect in missing.items()),
            given=", ".join(known),
            next_step=(f"did you mean {meant}? " if meant else "")
            + "Fix `expectations` in mizzen.yaml, or the column's name in the source",
        )


def _columns(expectation: Expectation) -> list[str]:
    given = [expectation.arguments.get(name) for name in _NAMES_A_COLUMN]
    several = expectation.arguments.get("column_list")
    if expectation.expect.startswith("ExpectTableColumns") or not isinstance(several, list):
        several = []
    return [column for column in (*given, *several) if isinstance(column, str)]


def _kind(name: str) -> Any:
    import great_expectations.expectations as known_expectations

    known = [each for each in dir(known_expectations) if each.startswith("Expect")]
    if name not in known:
        close = get_close_matches(name, known, n=3, cutoff=0.5)
        raise InvalidProject(
            f"Great Expectations has no {name!r}",
            allowed=", ".join(close or known),
            next_step="fix `expect` in mizzen.yaml; the gallery of all is in Great "
            "Expectations' documentation",
        )
    return getattr(known_expectations, name)


def _refused(expectation: Expectation, why: str, allowed: list[str]) -> InvalidProject:
    return InvalidProject(
        f"{expectation.expect} {why}",
        given=expectation.arguments,
        allowed=", ".join(allowed),
        next_step="fix its `arguments` in mizzen.yaml",
    )


def _faults(error: Exception) -> str:
    listed: Any = getattr(error, "errors", None)
    if not callable(listed):
        return f"refuses its arguments: {error}"
    faults: dict[str, str] = {}
    for fault in listed():
        name = ".".join(str(part) for part in fault["loc"] if part != "__root__")
        faults.setdefault(name, f"{name}: {fault['msg']}" if name else str(fault["msg"]))
    return f"refuses its arguments: {'; '.join(faults.values())}"
