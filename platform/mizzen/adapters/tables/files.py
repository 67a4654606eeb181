"""The files that a project's data source names: found and read.

Called by the snapshot step. Nothing outside the project's folder is read.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

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
            next_step="put the file there, or mend data.source in mizzen.yaml",
        )
    return files


def read_files(project: Path, source: FileSource) -> pd.DataFrame:
    """One table from the source's files, in the order of their names.

    Raises:
        InvalidProject: the path leads out of the project.
        InvalidData: no file, an empty or unreadable one, columns named twice, or files with
            different columns.
    """
    import pandas as pd

    frames = {file: _read(file, source.format) for file in source_files(project, source.path)}
    _check_alike(frames)
    return pd.concat(frames.values(), ignore_index=True)


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


def _read(file: Path, kind: str | None) -> pd.DataFrame:
    if file.stat().st_size == 0:
        raise InvalidData(f"{file.name} is empty", given=file, next_step="write the rows into it")
    kind = kind or _kind(file)
    return _parquet(file) if kind == "parquet" else _csv(file)


def _kind(file: Path) -> str:
    for kind, endings in {"parquet": (".parquet", ".pq"), "csv": (".csv", ".csv.gz")}.items():
        if file.name.endswith(endings):
            return kind
    raise InvalidData(
        f"{file.name} has an unknown ending",
        allowed=".csv, .csv.gz, .parquet, .pq",
        next_step="name the format: data.source.format",
    )


def _csv(file: Path) -> pd.DataFrame:
    import pandas as pd

    try:
        # pandas renames the second of two equal columns; the raw header shows both
        header = pd.read_csv(file, header=None, nrows=1, dtype=str).iloc[0].tolist()
        frame = pd.read_csv(file, low_memory=False)
    except (pd.errors.EmptyDataError, pd.errors.ParserError, UnicodeDecodeError) as error:
        raise _unreadable(file, "CSV in UTF-8", error) from None
    _check_header(file, [str(name) for name in header])
    return frame


def _parquet(file: Path) -> pd.DataFrame:
    import pyarrow as pa  # type: ignore[import-untyped]
    import pyarrow.parquet as pq  # type: ignore[import-untyped]

    try:
        content = pq.ParquetFile(file)
        _check_header(file, content.schema_arrow.names)
        # without pandas' metadata: a named index of the writer's is a column like any other
        frame: pd.DataFrame = content.read().to_pandas(ignore_metadata=True)
    except (pa.ArrowInvalid, OSError) as error:
        raise _unreadable(file, "Parquet", error) from None
    return frame[[name for name in frame.columns if not name.startswith("__index_level_")]]


def _unreadable(file: Path, kind: str, error: Exception) -> InvalidData:
    return InvalidData(
        f"{file.name} cannot be read as {kind}",
        given=str(error).strip(),
        next_step="mend the file, or name its format: data.source.format",
    )


def _check_header(file: Path, names: list[str]) -> None:
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise InvalidData(
            f"{file.name} has two columns of one name",
            given=", ".join(twice),
            next_step="rename or drop one of them",
        )


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
