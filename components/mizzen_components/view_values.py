"""Views computed from tables by a project's own functions. `features` and `evaluate` call it."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from contextlib import chdir, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from mizzen.adapters import bundle
from mizzen.core.place import Place
from mizzen.core.views import VersionedView, versioned
from mizzen.errors import InvalidProject
from mizzen.spec.features import FeatureView
from mizzen_components.view_files import PROJECT_DIR, hashes, opened
from mizzen_components.view_sources import checked

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True)
class ViewValues:
    """A view in the version that its code and files make, and its whole history."""

    view: VersionedView
    values: pd.DataFrame


def compute(
    views: Sequence[FeatureView], code: Path, tables: Mapping[str, pd.DataFrame], place: Place
) -> list[ViewValues]:
    """Each view's history, in the order of the views.

    Raises:
        InvalidProject: a function is missing, raises, or returns no frame of its view.
    """
    return [_compute(view, code, tables, place) for view in views]


def _compute(
    view: FeatureView, code: Path, tables: Mapping[str, pd.DataFrame], place: Place
) -> ViewValues:
    function = bundle.load_function(code, view.source)
    # copies: what one function changes must not reach the next one
    given = {name: frame.copy() for name, frame in tables.items()}
    folder = os.environ.get(PROJECT_DIR)
    # relative paths in the function mean the project, as they do in a data source
    with opened() as paths, chdir(folder) if folder else nullcontext():
        try:
            returned = function(given)
        except Exception as error:
            raise InvalidProject(
                f"{view.source} of the view {view.name!r} raised {type(error).__name__}: {error}",
                given="tables " + ", ".join(tables),
                next_step="fix the function",
            ) from error
    files = hashes(view, sorted(paths), Path(folder), place.home) if folder else {}
    version = versioned(view, bundle.code_of(code, view.source), files)
    return ViewValues(version, checked(view, returned))
