"""Tables on disk: Parquet between steps, and the files that a project reads.

Every step that reads or writes a table does it here, so that timestamps, nulls and bytes mean
the same everywhere.
"""

from mizzen.adapters.tables.files import read_files, source_files
from mizzen.adapters.tables.parquet import (
    check_storable,
    read_folder,
    read_table,
    read_types,
    write_table,
)

__all__ = [
    "check_storable",
    "read_files",
    "read_folder",
    "read_table",
    "read_types",
    "source_files",
    "write_table",
]
