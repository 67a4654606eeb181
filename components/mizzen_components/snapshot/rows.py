"""The table of rows: the columns that it must have, and the key that names each row once."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from typing import TYPE_CHECKING

from mizzen.errors import InvalidData
from mizzen.spec.data import Data, Label
from mizzen.spec.reading import Reading

if TYPE_CHECKING:
    import pandas as pd

SHOWN = 5


def rows_of(tables: Mapping[str, pd.DataFrame], data: Data) -> pd.DataFrame:
    """The table that the project predicts.

    Raises:
        InvalidData: the source gives no table of that name, or one with a column twice.
    """
    if data.rows not in tables:
        raise InvalidData(
            f"the source gives no table {data.rows!r}",
            given=", ".join(tables),
            next_step=f"set `data.rows` to one of them, or name a table {data.rows!r}",
        )
    rows = tables[data.rows]
    known = [str(column) for column in rows.columns]
    twice = sorted({name for name in known if known.count(name) > 1})
    if twice:
        raise InvalidData(
            f"table {data.rows!r} has two columns of one name",
            given=", ".join(twice),
            next_step="rename or drop one of them",
        )
    return rows


def check_columns(rows: pd.DataFrame, data: Data, label: Label | None, reading: Reading) -> None:
    """Every column that the description names is there.

    Raises:
        InvalidData: with the known columns that look like the missing ones.
    """
    known = [str(column) for column in rows.columns]
    missing = {
        name: role for name, role in _named(data, label, reading).items() if name not in known
    }
    if missing:
        wanted = ", ".join(f"{name!r} ({role})" for name, role in missing.items())
        raise InvalidData(
            f"table {data.rows!r} has no column {wanted}",
            given=", ".join(known),
            next_step=_hint(list(missing), known, [str(n) for n in rows.index.names if n]),
        )


def check_keys(rows: pd.DataFrame, data: Data) -> None:
    """Every row has a key, and no two have the same.

    Raises:
        InvalidData: with the first keys concerned.
    """
    keys = rows[list(data.key)]
    nulls = keys.isna().any(axis=1)
    if nulls.any():
        raise InvalidData(
            f"the key ({', '.join(data.key)}) is null in {int(nulls.sum())} rows",
            given=f"the first is row {int(nulls.to_numpy().argmax()) + 1}",
            next_step="fill it in, or leave those rows out of the source",
        )
    double = keys[keys.duplicated(keep=False)]
    if len(double):
        first = double.drop_duplicates().head(SHOWN).to_dict("records")
        raise InvalidData(
            f"{len(double)} rows share a key with another row",
            given="; ".join(str(record) for record in first),
            allowed="one row per key",
            next_step="add the column to `data.key` that tells them apart, or drop the copies",
        )


def sorted_rows(rows: pd.DataFrame, data: Data) -> pd.DataFrame:
    """By event time, then key: one order for the same rows."""
    by = [data.event_time, *data.key] if data.event_time else [*data.key]
    return rows.sort_values(list(dict.fromkeys(by)), ignore_index=True)


def _named(data: Data, label: Label | None, reading: Reading) -> dict[str, str]:
    named = dict.fromkeys(data.key, "data.key")
    declared = {column.name for column in data.columns}
    if data.event_time is not None:
        named.setdefault(data.event_time, "data.event_time")
    if label is not None:
        named.setdefault(label.column, "label.column")
        if label.time is not None:
            named.setdefault(label.time, "label.time")
    for name in (*reading.numbers, *reading.names, *reading.instants):
        named.setdefault(name, "features" if name not in declared else "data.columns")
    return named


def _hint(missing: list[str], known: list[str], index: list[str]) -> str:
    in_index = [name for name in missing if name in index]
    if in_index:
        return f"{', '.join(in_index)} is the index: return frame.reset_index()"
    close = [f"{n!r}: {m[0]!r}?" for n in missing if (m := _closest(n, known))]
    meant = f"did you mean, for {'; '.join(close)} " if close else ""
    return f"{meant}Fix mizzen.yaml, or rename the column in the source"


def _closest(name: str, known: list[str]) -> list[str]:
    lower = {column.lower(): column for column in known}
    return [lower[match] for match in get_close_matches(name.lower(), lower, n=1)]
