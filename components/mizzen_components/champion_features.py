"""A registered version's features, computed as its training computed them.

By its own code, out of its package, from today's tables. Where a version of a view cannot be
computed any more that is said: another one would be another model.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mizzen.adapters.feast.join import join
from mizzen.adapters.files.model_folder import read_manifest
from mizzen.adapters.tables import read_folder
from mizzen.core.manifest import PROJECT
from mizzen.core.place import Place
from mizzen.core.views import VersionedView, views_of
from mizzen.errors import InvalidProject
from mizzen.spec.project import ProjectSpec
from mizzen_components.feature_records import Records, read_records
from mizzen_components.view_values import compute

if TYPE_CHECKING:
    import pandas as pd


def own_features(
    package: Path,
    code: Path,
    frame: pd.DataFrame,
    spec: ProjectSpec,
    tables: Path | None,
    sources: Path | None,
    place: Place,
) -> pd.DataFrame:
    """`frame`, rows and row columns unchanged, with the views' columns of the packaged version
    instead of those of `spec`.

    Args:
        package: of the version; `code` is its unpacked bundle.
        tables: of the run, from which views are computed.
        sources: with the records of the views that the frame was joined with.

    Raises:
        InvalidProject: a view cannot be computed any more, or would come out as another version.
        InvalidData: the rows lack a column that names an entity.
    """
    needed = _views(package)
    given = read_records(sources)
    kept = [view for view in needed if _is_given(view, given)]
    other = [view for view in needed if not _is_given(view, given)]
    foreign = {c.name for v in spec.features.used_views for c in v.columns}
    foreign -= {c.name for view in kept for c in view.columns}
    rows = frame.drop(columns=[name for name in frame.columns if name in foreign])
    if not other or tables is None:
        return rows
    computed = compute(other, code, read_folder(tables), place)
    for wanted, found in zip(other, computed, strict=True):
        check_version(wanted.name, wanted.record(), found.view.record())
    values = {one.view.name: one.values for one in computed}
    event_time = str(spec.data.event_time)
    return join(rows.drop(columns=_columns(other), errors="ignore"), event_time, other, values)


def check_version(view: str, needed: Mapping[str, Any], found: Mapping[str, Any]) -> None:
    """See that a view came out as the version that a model needs.

    Raises:
        InvalidProject: it did not; the text names what changed.
    """
    if needed["version"] == found["version"]:
        return
    files = {**needed["files"], **found["files"]}
    changed = [n for n in sorted(files) if needed["files"].get(n) != found["files"].get(n)]
    what = "another content of files" if changed else "other code or another declaration"
    raise InvalidProject(
        f"the view {view!r} cannot be computed any more as it was for this version",
        given=f"{what}: {', '.join(changed)}" if changed else what,
        allowed=f"version {needed['version']} of the view",
        next_step="bring the files back, or train again" if changed else "train again: mizzen run",
    )


def check_views(needed: Mapping[str, Mapping[str, Any]], found: Records) -> None:
    """See that features were computed by the very versions of views that a model needs.

    Raises:
        InvalidProject: one was not.
    """
    for view, record in needed.items():
        nothing = {"version": "", "files": {}}
        check_version(view, record, found.get(view, nothing))


def _views(package: Path) -> Sequence[VersionedView]:
    text = (package / PROJECT).read_text(encoding="utf-8")
    manifest, _ = read_manifest(package)
    return views_of(ProjectSpec.model_validate_json(text), manifest.views)


def _is_given(view: VersionedView, records: Records) -> bool:
    return view.name in records and records[view.name]["version"] == view.version


def _columns(views: Sequence[VersionedView]) -> list[str]:
    return [column.name for view in views for column in view.columns]
