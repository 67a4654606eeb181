"""A view's history as it is stored: text keys, UTC microseconds, float64 or text values.

`apply` and `push` bring every table into this form, so that what is joined for training and
what is served online are the same values.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from mizzen.adapters.feast.definitions import INSTANTS, KNOWN_AT, TIME, column_name, name_of
from mizzen.adapters.feast.keys import text_keys
from mizzen.adapters.tables import read_table, write_table
from mizzen.core.encoding import as_float
from mizzen.errors import InvalidData
from mizzen.spec.columns import FeatureColumn
from mizzen.spec.features import FeatureView

if TYPE_CHECKING:
    import pandas as pd

KEPT = 5  # histories per view: a run that started earlier may still read an older one


Columns = dict[str, NDArray[Any]]


def stored_form(view: FeatureView, values: pd.DataFrame) -> Columns:
    """Entity columns, exact time and features, in this order; arrays of equal length.

    Raises:
        InvalidData: a column is missing or holds the wrong type, or times have no zone.
    """
    wanted = [*view.entity, TIME, *(column.name for column in view.columns)]
    missing = [name for name in wanted if name not in values.columns]
    if missing:
        raise InvalidData(
            f"values of the view {view.name!r} lack columns: {', '.join(missing)}",
            given=", ".join(map(str, values.columns)),
            next_step="add them, or take them out of the view",
        )
    columns: Columns = {name: _text(values[name], view) for name in view.entity}
    columns[INSTANTS] = microseconds(values[TIME], f"{TIME} of the view {view.name!r}")
    return columns | {c.name: _values(c, values[c.name], view) for c in view.columns}


def microseconds(times: pd.Series[Any], what: str) -> NDArray[np.int64]:
    """Instants as microseconds since 1970 in UTC.

    Raises:
        InvalidData: no instants, instants without a zone, or nulls among them.
    """
    import pandas as pd

    if not isinstance(times.dtype, pd.DatetimeTZDtype) or bool(times.isna().any()):
        raise InvalidData(
            f"{what} must hold instants with a zone, none of them null",
            given=f"{times.dtype}, {int(times.isna().sum())} nulls",
            next_step="pandas.to_datetime(..., utc=True), and drop rows without a time",
        )
    known: NDArray[np.int64] = times.dt.as_unit("us").astype("int64").to_numpy()
    return known


def _values(column: FeatureColumn, values: pd.Series[Any], view: FeatureView) -> NDArray[Any]:
    if column.kind == "number":
        return as_float(values.to_numpy(), column.name)
    return _text(values, view)


def _text(values: pd.Series[Any], view: FeatureView) -> NDArray[Any]:
    return text_keys(values, f"{values.name!r} of the view {view.name!r}")


def keep(folder: Path, view: FeatureView, history: Columns) -> Path:
    """Write a history under the hash of its content; older ones beyond `KEPT` go."""
    import pandas as pd

    place = folder / name_of(view)
    part = place / f"new-{os.getpid()}.parquet"
    times = pd.to_datetime(history[INSTANTS], unit="us", utc=True)
    stored = {column_name(n) if n else KNOWN_AT: values for n, values in history.items()}
    write_table(pd.DataFrame({**stored, TIME: times}), part)
    final = place / f"{digest_of(part)}.parquet"
    part.replace(final)
    final.touch()  # the newest of all, also when it was there already
    whole = (file for file in place.glob("*.parquet") if not file.name.startswith("new-"))
    newest_first = sorted(whole, key=lambda f: f.stat().st_mtime, reverse=True)
    for old in newest_first[KEPT:]:
        old.unlink(missing_ok=True)
    return final


def load(view: FeatureView, file: Path) -> Columns:
    """A history that `keep` wrote, in stored form."""
    names = [*view.entity, *(column.name for column in view.columns)]
    frame = read_table(file, [*map(column_name, names), KNOWN_AT])
    columns = {name: frame[column_name(name)].to_numpy() for name in names}
    return {**columns, INSTANTS: frame[KNOWN_AT].to_numpy()}


def digest_of(history: Path) -> str:
    """The name that a history is kept under."""
    with history.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()[:32]
