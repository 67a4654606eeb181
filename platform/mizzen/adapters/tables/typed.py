"""A Parquet file as a frame that holds every value as it is.

pandas' own way takes whole numbers and booleans beside nulls through float64, where neighbouring
ids above 2^53 become one. Here they get pandas' nullable types, and dictionaries their values.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from mizzen.adapters.tables.delimited import check_names
from mizzen.errors import InvalidData

if TYPE_CHECKING:
    import pandas as pd


def read_typed(file: Path) -> pd.DataFrame:
    """The columns of a Parquet file, without the index that pandas may have kept in it.

    Raises:
        InvalidData: not Parquet, no row, or columns named twice.
    """
    import pyarrow as pa  # type: ignore[import-untyped]
    import pyarrow.parquet as pq  # type: ignore[import-untyped]

    try:
        content = pq.ParquetFile(file)
        check_names(file, content.schema_arrow.names)
        table = content.read()
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, OSError) as error:
        raise InvalidData(
            f"{file.name} cannot be read as Parquet",
            given=str(error).strip(),
            next_step="fix the file, or name its format: data.source.format",
        ) from None
    if table.num_rows == 0:
        raise InvalidData(
            f"{file.name} holds no rows",
            given=f"columns {', '.join(table.column_names)}",
            next_step="write the rows into it, or leave the file out of data.source.path",
        )
    kept = [name for name in table.column_names if not name.startswith("__index_level_")]
    return exact_frame(table.select(kept))


def exact_frame(table: Any) -> pd.DataFrame:
    """An Arrow table as a frame; whole numbers and booleans beside nulls stay what they are."""
    import pandas as pd
    import pyarrow as pa

    plain = pa.table([_plain(column) for column in table.columns], names=table.column_names)
    nullable = {getattr(pa, kind)(): pd.array([], dtype=name).dtype for kind, name in _NULLABLE}
    # without pandas' metadata: a named index of the writer's is a column like any other
    frame: pd.DataFrame = plain.to_pandas(ignore_metadata=True, types_mapper=nullable.get)
    return frame


def without_arrow(values: pd.Series[Any]) -> pd.Series[Any]:
    """A column that pandas keeps in Arrow's types, as `exact_frame` gives it."""
    import pyarrow as pa

    table = pa.table({"values": pa.chunked_array([pa.array(values)])})
    plain = exact_frame(table)["values"]
    plain.index, plain.name = values.index, values.name
    return plain


def _plain(column: Any) -> Any:
    """Without a dictionary; text of any width as text."""
    import pyarrow as pa

    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    if pa.types.is_large_string(column.type) or column.type == pa.string_view():
        return column.cast(pa.string())
    return column


# Arrow's types and pandas' that hold the same values and null
_NULLABLE: tuple[tuple[str, Any], ...] = (
    ("bool_", "boolean"),
    *((f"int{width}", f"Int{width}") for width in (8, 16, 32, 64)),
    *((f"uint{width}", f"UInt{width}") for width in (8, 16, 32, 64)),
)
