"""The declared columns of the rows, each brought into its form once.

Files, frames of the project's own code, training, batch predictions: all rows pass here, so all
later steps see numbers, instants in UTC and canonical texts (docs/reference/values.md).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from mizzen.adapters.tables.typed import without_arrow
from mizzen.core.canonical import canonical_texts
from mizzen.errors import InvalidData
from mizzen.spec.data import Data, Label, SourceColumn
from mizzen.spec.reading import Reading
from mizzen_components.snapshot.faults import Faults, collected, one_of
from mizzen_components.snapshot.instants import to_instants
from mizzen_components.snapshot.numbers import to_numbers
from mizzen_components.snapshot.places import place_of

if TYPE_CHECKING:
    import pandas as pd


def named_rows(rows: pd.DataFrame, data: Data) -> pd.DataFrame:
    """The rows under the names of the description, texts that mean null as null.

    Raises:
        InvalidData: a column of `data.columns` is not there, or its name is taken.
    """
    aliases = {column.source: column.name for column in data.columns if column.source}
    _check_aliases(rows, aliases)
    named = rows.rename(columns=aliases)
    entries = {column.name: column for column in data.columns}
    nulled = {name: _without_nulls(named[name], data, entries.get(name)) for name in named.columns}
    return named.assign(**nulled)


def instants_read(rows: pd.DataFrame, reading: Reading) -> tuple[pd.DataFrame, Faults]:
    """The rows with their columns of instants as UTC timestamps, and those that hold none."""
    names = [name for name in reading.instants if name in rows.columns]
    found, faults = collected(names, lambda name: to_instants(rows[name]))
    return rows.assign(**found), faults


def columns_read(
    rows: pd.DataFrame, data: Data, reading: Reading, known: Faults | None = None
) -> pd.DataFrame:
    """The rows with numbers as numbers and names as canonical texts; all other texts as they
    stand.

    Args:
        known: what is wrong with columns of instants.

    Raises:
        InvalidData: a value that is no number, or has no canonical text, with its row; of every
            column, and what is known.
    """
    entries = {column.name: column for column in data.columns}
    keys = rows[[name for name in data.key if name in rows.columns]]
    numbers, names = set(reading.numbers), set(reading.names)

    def read(name: str) -> pd.Series[Any]:
        entry, values = entries.get(name), rows[name]
        if name in numbers:
            signs = data.decimal_of(entry), data.thousands_of(entry)
            values = to_numbers(values, keys, *signs)
        is_text = entry is not None and entry.kind == "text" and values.dtype == object
        return to_names(values, keys) if name in names or is_text else _plain_text(values)

    given = dict(known or {})
    found, faults = collected([name for name in rows.columns if name not in given], read)
    if faults or given:
        raise one_of(given | faults, rows)
    return rows.assign(**found)


def to_names(values: pd.Series[Any], keys: pd.DataFrame) -> pd.Series[Any]:
    """A column as canonical texts, null as None."""
    import pandas as pd

    def place(row: int) -> str:
        return place_of(row, keys)

    if isinstance(values.dtype, pd.ArrowDtype):
        values = without_arrow(values)
    if isinstance(values.dtype, pd.DatetimeTZDtype):
        utc = values.dt.tz_convert("UTC").dt.tz_localize(None)
        naive = canonical_texts(utc.to_numpy(), str(values.name), place)
        texts = np.array([None if text is None else f"{text}Z" for text in naive], dtype=object)
    elif isinstance(values.dtype, pd.CategoricalDtype):
        known = pd.Series(values.cat.categories, name=values.name)
        named = [*canonical_texts(_exact(known), str(values.name)).tolist(), None]
        # the code of null is -1
        texts = np.array(named, dtype=object)[values.cat.codes.to_numpy()]
    else:
        texts = canonical_texts(_exact(values), str(values.name), place)
    return pd.Series(texts, index=values.index, name=values.name, dtype=object)


def source_types(
    rows: pd.DataFrame, reading: Reading, label: Label | None = None
) -> Mapping[str, str]:
    """What categories, keys and entities were in the source: `text`, `number`, `boolean`,
    `mixed` or `other`; `declared number` and `declared instant` where the description says so,
    whatever they were. A request that sends another type for one is refused; it sends no label."""
    label_name = None if label is None else label.column
    types = types_of(rows, [name for name in reading.names if name != label_name])
    types |= {name: "declared number" for name in types if name in reading.numbers}
    return types | {name: "declared instant" for name in reading.instants if name in rows.columns}


def types_of(frame: pd.DataFrame, names: Iterable[str]) -> dict[str, str]:
    """The type of the values of columns of names; a column that is not there is left out."""
    return {name: _type_of(frame[name]) for name in names if name in frame.columns}


def _check_aliases(rows: pd.DataFrame, aliases: Mapping[str, str]) -> None:
    known = [str(column) for column in rows.columns]
    missing = [source for source in aliases if source not in known]
    taken = [name for name in aliases.values() if name in known and name not in aliases]
    if missing or taken:
        raise InvalidData(
            f"the data has no column {missing[0]!r}, which data.columns names"
            if missing
            else f"data.columns gives a column the name {taken[0]!r}, which the data has already",
            given=", ".join(known),
            next_step="fix `name` or `source` in data.columns",
        )


def _without_nulls(values: pd.Series[Any], data: Data, entry: SourceColumn | None) -> Any:
    import pandas as pd

    markers = {"", *data.nulls_of(entry)}
    if isinstance(values.dtype, pd.StringDtype | pd.CategoricalDtype):
        null = values.isin(list(markers)).to_numpy()
    elif values.dtype == object:
        null = np.array([isinstance(v, str) and v in markers for v in values.tolist()], bool)
    else:
        return values
    return values.mask(null, None) if null.any() else values


def _plain_text(values: pd.Series[Any]) -> pd.Series[Any]:
    """Text as Python's: what the project's own functions and expectations know."""
    import pandas as pd

    if not isinstance(values.dtype, pd.StringDtype):
        return values
    texts = np.array(values.to_list(), dtype=object)
    texts[values.isna().to_numpy()] = None
    return pd.Series(texts, values.index, name=values.name)


def _exact(values: pd.Series[Any]) -> Any:
    """A column as an array of its exact values."""
    if isinstance(values.dtype, np.dtype) and values.dtype.kind in "biufMO":
        return values.to_numpy()
    if values.dtype.kind == "f":  # of its own width: 0.1 in 32 bits is not 0.1 in 64
        width: Any = getattr(values.dtype, "numpy_dtype", np.dtype(np.float64))
        return values.to_numpy(dtype=width, na_value=np.nan)
    return values.to_numpy(dtype=object)  # never through the floats that hold pandas' nulls


def _type_of(values: pd.Series[Any]) -> str:
    import pandas as pd

    kind = pd.api.types.infer_dtype(values, skipna=True)
    if kind == "categorical":
        kind = pd.api.types.infer_dtype(values.cat.categories, skipna=True)
    return _TYPES.get(kind, "other")


_TYPES = {
    **dict.fromkeys(("string", "empty"), "text"),
    **dict.fromkeys(("integer", "floating", "mixed-integer-float", "decimal"), "number"),
    "boolean": "boolean",
    **dict.fromkeys(("mixed", "mixed-integer"), "mixed"),
}
