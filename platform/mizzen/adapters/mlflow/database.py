"""MLflow's SQLite file: made whole under another name, then renamed into its place.

MLflow makes its tables by some fifty migrations, each a commit of its own, and a file in which
they ended early is one that it never opens again. So whoever connects comes through `ensure`
first: what is killed, or finds no space, leaves nothing under the file's name.
"""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path

from mizzen.adapters.files.atomic import replaced_file
from mizzen.adapters.files.locks import locked
from mizzen.errors import IntegrityError, TemporaryError

_SCHEME = "sqlite:///"
# MLflow writes its first experiment when all migrations are done, so an unfinished file holds
# nothing in any of these.
_CONTENT = ("experiments", "runs", "registered_models", "model_versions")


def file_of(uri: str) -> Path | None:
    """The file behind a tracking URI; None where it is a server's or in memory."""
    path = uri.removeprefix(_SCHEME).partition("?")[0]
    return Path(path) if uri.startswith(_SCHEME) and path not in {"", ":memory:"} else None


def ensure(file: Path, artifacts: Path) -> None:
    """Make the file unless a whole one is there. An unfinished one of before is set aside as
    `<file>.unfinished`; one that holds anything is never touched.

    Args:
        artifacts: where experiments without a folder of their own keep their files.

    Raises:
        TemporaryError: there is no space for it.
        IntegrityError: the file is no database.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    with locked(file.with_name(f".{file.name}.lock")):
        for abandoned in file.parent.glob(f".{file.name}.new-*"):
            abandoned.unlink(missing_ok=True)
        if is_unfinished(file):
            file.replace(file.with_name(f"{file.name}.unfinished"))
        if not file.exists():
            _make(file, artifacts)


def is_unfinished(file: Path) -> bool:
    """Whether the making of a file ended early: it holds nothing, and MLflow would not open it.

    Raises:
        TemporaryError: it cannot be read now.
        IntegrityError: it is no database.
    """
    if not file.exists():
        return False
    try:
        with closing(sqlite3.connect(file, timeout=60)) as database:
            tables = {name for (name,) in database.execute("SELECT name FROM sqlite_master")}
            return not any(
                database.execute(f'SELECT 1 FROM "{name}" LIMIT 1').fetchone()  # noqa: S608
                for name in tables.intersection(_CONTENT)
            )
    except sqlite3.OperationalError as error:
        raise _unreachable(file, error) from error
    except sqlite3.DatabaseError as error:
        raise IntegrityError(
            "MLflow's database is damaged",
            given=f"{file}: {error}",
            next_step="restore it from a backup; without one, move it away and train again",
        ) from error


def alias_in(file: Path, name: str, alias: str) -> int | None:
    """The version that an alias of a registered model points at; None without one, or without the
    file.

    Raises:
        TemporaryError: the file cannot be read now.
    """
    if not file.exists():
        return None
    try:
        with closing(sqlite3.connect(file, timeout=60)) as database:
            found = database.execute(
                "SELECT version FROM registered_model_aliases WHERE name = ? AND alias = ?",
                (name, alias),
            ).fetchone()
    except sqlite3.DatabaseError as error:
        raise _unreachable(file, error) from error
    return None if found is None else int(found[0])


def _make(file: Path, artifacts: Path) -> None:
    with replaced_file(file) as fresh:
        try:
            _create_tables(fresh, artifacts)
            _fold_log(fresh)
        finally:
            _remove_logs(fresh)
        _remove_logs(file)  # SQLite would take them for logs of the new file
    _to_disk(file.parent)


def _remove_logs(file: Path) -> None:
    for ending in ("-journal", "-wal", "-shm"):
        file.with_name(file.name + ending).unlink(missing_ok=True)


def _create_tables(file: Path, artifacts: Path) -> None:
    from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore
    from sqlalchemy.exc import DBAPIError

    uri = f"{_SCHEME}{file}"
    try:
        SqlAlchemyStore(uri, str(artifacts))  # type: ignore[no-untyped-call]
    except (DBAPIError, OSError) as error:
        raise _unreachable(file, error) from error
    finally:
        engine = SqlAlchemyStore._engine_map.pop(uri, None)
        if engine is not None:
            engine.dispose()


def _fold_log(file: Path) -> None:
    with closing(sqlite3.connect(file)) as database:
        database.execute("PRAGMA journal_mode = DELETE")
    _to_disk(file)


def _to_disk(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _unreachable(file: Path, error: Exception) -> TemporaryError:
    return TemporaryError(
        "MLflow's database cannot be made or read",
        given=f"{str(error).splitlines()[0]} in {file.parent}",
        next_step="see that its disk has room and that it may be written, then resume the run: "
        "mizzen runs resume",
    )
