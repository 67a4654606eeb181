"""The files that a project's data source names: found and read.

Called by the snapshot step. Nothing outside the project's folder is read.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from mizzen.adapters.tables.delimited import read_delimited
from mizzen.adapters.tables.typed import read_typed
from mizzen.errors import InvalidData, InvalidProject
from mizzen.spec.data import FileSource

if TYPE_CHECKING:
    import pandas as pd


def source_files(project: Path, pattern: str) -> list[Path]:
    """The files of a path or glob, sorted, resolved. As in a shell, a wildcard does not reach
    into hidden folders: `**/*.csv` finds nothing of Mizzen's own in `.mizzen`.

    Raises:
        InvalidProject: the path, or a link on it, leads out of the project.
        InvalidData: there is no such file.
    """
    root = project.resolve()
    if Path(pattern).is_absolute():
        raise _outside(pattern, root)
    found = (path for path in root.glob(pattern or "-") if path.is_file())
    files = sorted(path.resolve() for path in found if _is_meant(path, root, pattern))
    if not all(file.is_relative_to(root) for file in files):
        raise _outside(pattern, root)
    if not files:
        raise InvalidData(
            f"no file matches {pattern!r}",
            given=root,
            allowed="a path or glob relative to the project's folder",
            next_step="put the file there, or fix data.source in mizzen.yaml",
        )
    return files


def read_files(project: Path, source: FileSource) -> pd.DataFrame:
    """One table from the source's files, in the order of their names.

    Raises:
        InvalidProject: the path leads out of the project.
        InvalidData: no file, an empty or unreadable one, columns named twice, or files with
            different columns.
    """
    frames = {file: _read(file, source) for file in source_files(project, source.path)}
    _check_alike(frames)
    return _joined(frames)


def _is_meant(path: Path, root: Path, pattern: str) -> bool:
    if ".." in path.parts:
        return True  # resolved by the caller, and refused there
    below = path.relative_to(root)
    return below.as_posix() == pattern or not any(part[0] == "." for part in below.parts)


def _outside(pattern: str, root: Path) -> InvalidProject:
    return InvalidProject(
        f"{pattern!r} leads out of the project",
        allowed=f"files below {root}",
        next_step="copy the file into the project, or read it with `data.source.python`",
    )


def _read(file: Path, source: FileSource) -> pd.DataFrame:
    if file.stat().st_size == 0:
        raise InvalidData(f"{file.name} is empty", given=file, next_step="write the rows into it")
    if (source.format or _kind(file)) == "parquet":
        return read_typed(file)
    return read_delimited(file, source.delimiter)


def _kind(file: Path) -> str:
    for kind, endings in {"parquet": (".parquet", ".pq"), "csv": (".csv", ".csv.gz")}.items():
        if file.name.endswith(endings):
            return kind
    raise InvalidData(
        f"{file.name} has an unknown ending",
        allowed=".csv, .csv.gz, .parquet, .pq",
        next_step="name the format: data.source.format",
    )


def _joined(frames: dict[Path, pd.DataFrame]) -> pd.DataFrame:
    """One table; a column whose type differs between files keeps each value as it is."""
    import pandas as pd

    if len(frames) == 1:
        return next(iter(frames.values()))
    first = next(iter(frames.values()))
    mixed = [n for n in first if len({str(frame[n].dtype) for frame in frames.values()}) > 1]
    alike = [frame.astype(dict.fromkeys(mixed, object)) for frame in frames.values()]
    return pd.concat(alike, ignore_index=True)


def _check_alike(frames: dict[Path, pd.DataFrame]) -> None:
    (first, wanted), *others = frames.items()
    for file, frame in others:
        differing = set(wanted.columns).symmetric_difference(frame.columns)
        if differing:
            raise InvalidData(
                f"{file.name} and {first.name} have different columns",
                given=", ".join(sorted(differing)),
                next_step="give all files of the source the same columns",
            )
