"""DataFrames as Parquet with bytes that depend on nothing but the content.

Called by every step that hands a table to the next one. Timestamps with a zone are kept as
microseconds in UTC (DuckDB refuses nanoseconds); categoricals become plain values; the index
is not data. Equal tables give equal bytes for one version of Arrow, so that a snapshot's hash
and the step cache see a change only where there is one.
"""

from __future__ import annotations

import errno
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mizzen.adapters.files.atomic import replaced_file
from mizzen.errors import InvalidData, TemporaryError

if TYPE_CHECKING:
    import pandas as pd

_TYPES = "mizzen.types"
_LARGE: dict[str, Any] = {"int64": "Int64", "uint64": "UInt64"}
_EXACT = 2.0**53  # from here on neighbouring whole numbers are one float
FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


def write_table(frame: pd.DataFrame, path: Path, types: Mapping[str, str] | None = None) -> None:
    """Write a table under its final name, or nothing at all.

    Args:
        types: what columns of names were in their source; see `read_types`.

    Raises:
        InvalidData: a column holds values of several types, or a name that is no text.
        TemporaryError: the disk is full.
    """
    import pyarrow.parquet as pq  # type: ignore[import-untyped]

    table = _arrow(frame, path.stem)
    try:
        # Without Arrow's own schema: two frames that differ in a type that Parquet does not
        # know (nanoseconds, large strings) would differ in bytes.
        with (
            replaced_file(path) as part,
            pq.ParquetWriter(
                part,
                table.schema,
                compression="zstd",
                coerce_timestamps="us",
                allow_truncated_timestamps=True,
                store_schema=False,
            ) as writer,
        ):
            writer.write_table(table)
            if types:
                kept = json.dumps(dict(types), sort_keys=True, ensure_ascii=False)
                writer.add_key_value_metadata({_TYPES: kept})
    except OSError as error:
        raise _full(error, path) if error.errno in FULL else error from None


def check_storable(frame: pd.DataFrame, name: str) -> None:
    """Raises InvalidData as `write_table` would; nothing is written."""
    _arrow(frame, name)


def read_table(path: Path, columns: Sequence[str] | None = None) -> pd.DataFrame:
    """A table that `write_table` wrote, or some columns of it, rows in the written order."""
    import pyarrow.parquet as pq

    # partitioning: a folder named `a=b` above the file is a path, not a column
    chosen = None if columns is None else list(columns)
    table = pq.read_table(path, columns=chosen, partitioning=None)
    frame: pd.DataFrame = table.to_pandas()
    exact = _beyond_floats(table, frame)
    return frame.assign(**exact) if exact else frame


def read_types(path: Path) -> dict[str, str]:
    """What the columns of names were in their source, kept with the table: `text`, `number`,
    `boolean` or `other`."""
    import pyarrow.parquet as pq

    metadata = pq.read_metadata(path).metadata or {}
    found: dict[str, str] = json.loads(metadata.get(_TYPES.encode(), b"{}"))
    return found


def _beyond_floats(table: Any, frame: pd.DataFrame) -> dict[str, Any]:
    """Columns of whole numbers beside nulls that a float64 cannot hold, exactly."""
    import pandas as pd

    suspects = [
        name
        for name in frame.columns
        if table.column(name).null_count
        and str(table.column(name).type) in _LARGE
        and frame[name].abs().max() >= _EXACT
    ]
    return {
        name: pd.array(table.column(name).to_pylist(), dtype=_LARGE[str(table.column(name).type)])
        for name in suspects
    }


def read_folder(folder: Path) -> dict[str, pd.DataFrame]:
    """Every `<name>.parquet` of a folder, by name, sorted."""
    return {file.stem: read_table(file) for file in sorted(folder.glob("*.parquet"))}


def _arrow(frame: pd.DataFrame, name: str) -> Any:
    import pyarrow as pa

    _check_names(frame, name)
    plain = {column: _plain(frame[column]) for column in frame.columns}
    arrays = [_array(values, column, name) for column, values in plain.items()]
    return pa.table(arrays, names=list(plain))


def _check_names(frame: pd.DataFrame, name: str) -> None:
    names = list(frame.columns)
    odd = [str(column) for column in names if not isinstance(column, str)]
    if odd:
        raise InvalidData(
            f"table {name!r} has columns whose names are no text",
            given=", ".join(odd),
            next_step="name the columns: frame.columns = [...]",
        )
    twice = sorted({column for column in names if names.count(column) > 1})
    if twice:
        raise InvalidData(
            f"table {name!r} has two columns of one name",
            given=", ".join(twice),
            next_step="rename or drop one of them",
        )


def _plain(values: pd.Series[Any]) -> pd.Series[Any]:
    import pandas as pd

    if isinstance(values.dtype, pd.CategoricalDtype):
        return values.astype(values.cat.categories.dtype)
    if isinstance(values.dtype, pd.DatetimeTZDtype):
        values = values.dt.tz_convert("UTC")
    return values


def _array(values: pd.Series[Any], column: str, name: str) -> Any:
    import pyarrow as pa

    try:
        if values.dtype.kind == "m":  # Parquet has no durations: they would become integers
            raise pa.ArrowTypeError("a duration; store its seconds: .dt.total_seconds()")
        return pa.Array.from_pandas(values)
    except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError) as error:
        kinds = sorted({type(value).__name__ for value in values.dropna().tolist()})
        raise InvalidData(
            f"column {column!r} of table {name!r} cannot be stored",
            given=f"values of type {', '.join(kinds)} ({error})",
            allowed="one type: numbers, text, booleans or instants",
            next_step="make the column one type where it is read or computed, or let it be read "
            "as text with data.columns: [{name: ..., kind: text}]",
        ) from None


def _full(error: OSError, path: Path) -> TemporaryError:
    return TemporaryError(
        f"no space to write {path.name}",
        given=f"{error.strerror or error} in {path.parent}",
        next_step="free space on that disk, then resume the run: mizzen runs resume",
    )
