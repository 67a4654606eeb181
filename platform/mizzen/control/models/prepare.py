"""`python -m mizzen.control.models.prepare VERSION`: makes a version ready to be served.

Fetches its package, loads the values of its features that its training knew into the online
store, and prints the package's folder; or its error, as the last line of what it complains, in
JSON. The stack calls it in a process of its own, for what it imports.
"""

from __future__ import annotations

import os
import sys
from datetime import UTC, datetime
from pathlib import Path

from mizzen.adapters.backends import load_backend
from mizzen.adapters.files.model_folder import read_manifest
from mizzen.control.backends import REGISTRY, feature_source, packages_folder
from mizzen.control.own_process import answer_with
from mizzen.core.manifest import PROJECT
from mizzen.core.place import Place
from mizzen.core.views import VersionedView, views_of
from mizzen.errors import NotFound
from mizzen.ports.models import Registry
from mizzen.spec.project import ProjectSpec
from mizzen.state import open_state
from mizzen.streams import guard_streams


def materialize(place: Place, package: Path, until: datetime) -> int:
    """Make the features of a package's views servable, as known at `until`; rows written."""
    views = package_views(package)
    if not views:
        return 0
    return feature_source(place).materialize(views, until)


def package_views(package: Path) -> tuple[VersionedView, ...]:
    """The views that a packaged model needs, each in its version.

    Raises:
        IntegrityError: the package is of an older Mizzen.
    """
    project = ProjectSpec.model_validate_json((package / PROJECT).read_text(encoding="utf-8"))
    return views_of(project, read_manifest(package)[0].views)


def known_until(place: Place, version: int, now: datetime) -> datetime:
    """The end of the version's training window; `now` when it was unbounded.

    The store keeps one value of a key, and a request does not see one from after its own
    instant. Whoever replays a past season would find everything missing, were values of later
    seasons loaded.
    """
    state = open_state(place)
    try:
        run = state.models.get_version(place.project, version).run
        end = state.runs.get(place.project, run).arguments.get("end")
    except NotFound:  # registered by other means than a run
        return now
    return min(now, datetime.fromisoformat(end)) if end else now


def main(version: str) -> int:
    """Fetch the version of the place's project and what it answers with; print its folder."""
    return answer_with(lambda: _prepare(int(version)))


def _prepare(version: int) -> Path:
    place = Place.from_environment(os.environ)
    registry: Registry = load_backend("registry", REGISTRY)(place)
    folder = registry.fetch(place.project, version, packages_folder(place))
    materialize(place, folder, known_until(place, version, datetime.now(UTC)))
    return folder


if __name__ == "__main__":
    guard_streams()
    sys.exit(main(sys.argv[1]))
