"""A CSV file as a table of texts: what stands in a field, and null where nothing stands.

Nothing is guessed here; the snapshot step reads numbers and instants by the description. Arrow
divides the file into fields; what it refuses is looked up again with Python's own reader, which
knows the row.
"""

from __future__ import annotations

import csv
import gzip
import io
from collections.abc import Iterator
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, cast

from mizzen.errors import InvalidData

if TYPE_CHECKING:
    import pandas as pd

_GZIP = b"\x1f\x8b"
_BLOCK = 16 << 20  # bytes that Arrow takes apart at once; a row must fit into it
_LARGEST_BLOCK = 1 << 30


def read_delimited(file: Path, delimiter: str) -> pd.DataFrame:
    """All columns as text, null where the field is empty. A line without any sign is no row.

    Raises:
        InvalidData: not UTF-8, no header or no row, columns named twice, a row with more or
            fewer fields than the header, a quote that is never closed.
    """
    import pyarrow as pa  # type: ignore[import-untyped]

    try:
        names = _header(file, delimiter)
        check_names(file, names)
        table = _table(file, delimiter, names, _BLOCK)
    except (pa.ArrowInvalid, csv.Error, UnicodeDecodeError, OSError, EOFError) as error:
        fault = _broken_row(file, delimiter)
        raise fault or _unreadable(file, error) from None
    if table.num_rows == 0:
        raise InvalidData(
            f"{file.name} has a header and no rows",
            given=f"columns {', '.join(names)}",
            next_step="write the rows into it, or leave the file out of data.source.path",
        )
    fault = _broken_row(file, delimiter) if _may_be_open(table) else None
    if fault is not None:
        raise fault
    return _frame(table)


def _may_be_open(table: Any) -> bool:
    """Whether the last field holds a line's end: Arrow takes a quote that nobody closes as a
    field that reaches to the end of the file."""
    last = table.column(table.num_columns - 1)[-1].as_py()
    return last is not None and ("\n" in last or "\r" in last)


def check_names(file: Path, names: list[str]) -> None:
    """No two columns have one name.

    Raises:
        InvalidData: they have.
    """
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise InvalidData(
            f"{file.name} has two columns of one name",
            given=", ".join(twice),
            next_step="rename or drop one of them",
        )


def _open(file: Path) -> IO[bytes]:
    with file.open("rb") as stream:
        packed = stream.read(2) == _GZIP
    return cast("IO[bytes]", gzip.open(file)) if packed else file.open("rb")


def _rows(file: Path, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """Each row with the number of its first line; an empty line is none."""
    csv.field_size_limit(_LARGEST_BLOCK)
    with io.TextIOWrapper(_open(file), encoding="utf-8-sig", newline="") as text:
        reader = csv.reader(text, delimiter=delimiter, strict=True)
        line = 1
        for row in reader:
            if row:
                yield line, row
            line = reader.line_num + 1


def _header(file: Path, delimiter: str) -> list[str]:
    _, names = next(_rows(file, delimiter), (0, []))
    if not names:
        raise InvalidData(f"{file.name} is empty", given=file, next_step="write the rows into it")
    # a column of row numbers, as pandas writes it, has no name
    return [name or f"Unnamed: {place}" for place, name in enumerate(names)]


def _table(file: Path, delimiter: str, names: list[str], block: int) -> Any:
    import pyarrow as pa
    from pyarrow import csv as arrow

    with _open(file) as stream:
        try:
            return arrow.read_csv(
                stream,
                arrow.ReadOptions(column_names=names, block_size=block),
                arrow.ParseOptions(delimiter=delimiter, newlines_in_values=True),
                arrow.ConvertOptions(
                    column_types=dict.fromkeys(names, pa.string()),
                    null_values=[""],
                    strings_can_be_null=True,
                ),
            ).slice(1)
        except pa.ArrowInvalid as error:
            if "straddling" not in str(error) or block >= _LARGEST_BLOCK:
                raise
    return _table(file, delimiter, names, block * 8)


def _frame(table: Any) -> pd.DataFrame:
    import pandas as pd
    import pyarrow as pa

    frame: pd.DataFrame = table.to_pandas(types_mapper={pa.string(): pd.StringDtype("pyarrow")}.get)
    return frame


def _broken_row(file: Path, delimiter: str) -> InvalidData | None:
    """The first row that has not as many fields as the header; a quote that nobody closes."""
    line, row, wanted = 1, 0, 0
    try:
        for row, (line, fields) in enumerate(_rows(file, delimiter)):
            wanted = wanted or len(fields)
            if len(fields) != wanted:
                return _miscounted(file, row, line, fields, wanted)
    except csv.Error as error:
        return InvalidData(
            f"{file.name} is not CSV after line {line}",
            given=f"row {row}: {error}",
            next_step="close the quote, or double the quotes that stand inside a field",
        )
    except (UnicodeDecodeError, OSError, EOFError):
        return None
    return None


def _miscounted(file: Path, row: int, line: int, fields: list[str], wanted: int) -> InvalidData:
    shown = ",".join(fields)
    trailing = len(fields) == wanted + 1 and not fields[-1]
    return InvalidData(
        f"{file.name}, line {line} (row {row}): {len(fields)} fields, but the header has {wanted}",
        given=shown if len(shown) <= 200 else f"{shown[:200]}…",
        allowed=f"{wanted} fields in every row",
        next_step="remove the delimiter at the end of the rows, or add one to the header"
        if trailing
        else "fix the row; a field that holds the delimiter is written in double quotes",
    )


def _unreadable(file: Path, error: Exception) -> InvalidData:
    return InvalidData(
        f"{file.name} cannot be read as CSV in UTF-8",
        given=str(error).strip(),
        next_step="fix the file, or name its format: data.source.format",
    )
