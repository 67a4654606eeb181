"""What is wrong with the columns of the rows, said at once: each fault hides no other."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from mizzen.errors import InvalidData

if TYPE_CHECKING:
    import pandas as pd

# by column
Faults = dict[str, InvalidData]


def collected(
    names: Iterable[str], read: Callable[[str], pd.Series[Any]]
) -> tuple[dict[str, pd.Series[Any]], Faults]:
    """Every column that can be read, and why the others cannot."""
    found: dict[str, pd.Series[Any]] = {}
    faults: Faults = {}
    for name in names:
        try:
            found[name] = read(name)
        except InvalidData as error:
            faults[name] = error
    return found, faults


def one_of(faults: Mapping[str, InvalidData], rows: pd.DataFrame) -> InvalidData:
    """One error for all of them, in the order of the table's columns."""
    ordered = [faults[name] for name in map(str, rows.columns) if name in faults]
    if len(ordered) == 1:
        return ordered[0]
    told = {
        part: list(dict.fromkeys(str(getattr(f, part)) for f in ordered if getattr(f, part)))
        for part in ("allowed", "next_step")
    }
    return InvalidData(
        f"{len(ordered)} columns do not fit the description",
        given="; ".join(f"{fault.message}: {fault.given}" for fault in ordered),
        allowed="; ".join(told["allowed"]) or None,
        next_step="; ".join(told["next_step"]),
    )
