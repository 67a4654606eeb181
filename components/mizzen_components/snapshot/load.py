"""The tables that a project's source gives: from its files, or from its own function."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from contextlib import AbstractContextManager, chdir, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mizzen.adapters.bundle import load_function, open_code, read_from_bundle
from mizzen.adapters.files.digests import unchanged
from mizzen.adapters.tables import read_files
from mizzen.core.place import Place
from mizzen.errors import InvalidData, InvalidProject, MizzenError, UserError
from mizzen.spec.data import Data, FileSource

if TYPE_CHECKING:
    import pandas as pd

PROJECT_DIR = "MIZZEN_PROJECT_DIR"
_NAME = re.compile(r"[a-z][a-z0-9_]{0,62}")


def load_tables(data: Data, place: Place, code: str) -> dict[str, pd.DataFrame]:
    """Every table by name; a source of one table gives the rows.

    Raises:
        InvalidProject: the function fails or returns something else than tables.
        InvalidData: a file is missing, empty or unreadable.
        UserError: a file source, and the runner told no project folder.
    """
    if isinstance(data.source, FileSource):
        return {data.rows: read_files(_project(), data.source)}
    ref = data.source.python
    unpacked = open_code(place, code)
    function = load_function(unpacked, ref)
    folder = os.environ.get(PROJECT_DIR)
    # relative paths in the user's function mean the project, as they do in a notebook there
    with chdir(folder) if folder else nullcontext():
        try:
            found = function()
        except MizzenError:
            raise
        except Exception as error:
            raise InvalidProject(
                f"the data source {ref} failed: {type(error).__name__}: {error}",
                next_step=read_from_bundle(error, unpacked)
                or f"fix the function; it is called without arguments in {folder or '.'}",
            ) from error
    return _named(found, ref, data.rows)


def as_submitted(data: Data, place: Place, digest: str) -> AbstractContextManager[None]:
    """See that what is read inside the context has the digest that the run's submission saw;
    where no runner tells the project's folder, nothing of it can be read."""
    folder = os.environ.get(PROJECT_DIR)
    return unchanged(data.source, Path(folder), place.home, digest) if folder else nullcontext()


def _project() -> Path:
    folder = os.environ.get(PROJECT_DIR)
    if folder is None:
        raise UserError(
            "a data source of files needs the project's folder",
            given=f"{PROJECT_DIR} is not set",
            next_step="run the step through a runner (mizzen run), or use `data.source.python`",
        )
    return Path(folder)


def _named(found: Any, ref: str, rows: str) -> dict[str, pd.DataFrame]:
    import pandas as pd

    tables = {rows: found} if isinstance(found, pd.DataFrame) else found
    if not isinstance(tables, Mapping) or not tables:
        raise _no_tables(ref, type(found).__name__)
    for name, frame in tables.items():
        if not isinstance(frame, pd.DataFrame):
            raise _no_tables(ref, f"{type(frame).__name__} under {name!r}")
        if not isinstance(name, str) or _NAME.fullmatch(name) is None:
            raise InvalidData(
                f"{ref} names a table {name!r}",
                allowed="lower case letters, digits and _, a letter first",
                next_step="rename the table",
            )
    return dict(tables)


def _no_tables(ref: str, given: str) -> InvalidProject:
    return InvalidProject(
        f"the data source {ref} returns no table",
        given=given,
        allowed="a pandas DataFrame, or a mapping of table name to DataFrame",
        next_step="return the table from the function",
    )
