"""A registered version's own project: its description and its code, out of its package.

What is done with one version (batch predictions, a replay) goes by these, so that a change of the
project's folder changes nothing of it. Data files are still read from the project's folder.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from mizzen.adapters import bundle
from mizzen.adapters.files.model_folder import read_manifest
from mizzen.control.backends import packages_folder, registry_of
from mizzen.control.workspace import Workspace
from mizzen.core.manifest import BUNDLE, PROJECT
from mizzen.core.views import VersionedView, views_of
from mizzen.spec.project import ProjectSpec


@dataclass(frozen=True, slots=True)
class RegisteredProject:
    """`workspace` is described as the version was; `code` is its bundle, stored in this place."""

    workspace: Workspace
    code: str
    package: Path

    @property
    def views(self) -> tuple[VersionedView, ...]:
        """The views that the version needs.

        Raises:
            IntegrityError: the package is of an older Mizzen.
        """
        manifest, _ = read_manifest(self.package)
        return views_of(self.workspace.spec, manifest.views)


def project_of(workspace: Workspace, version: int) -> RegisteredProject:
    """The project that a version was registered with.

    Raises:
        NotFound: no such version.
        TemporaryError: the registry is away.
    """
    place = workspace.place
    fetch = registry_of(workspace).fetch
    package = fetch(workspace.spec.name, version, packages_folder(place))
    text = (package / PROJECT).read_text(encoding="utf-8")
    described = workspace.described(ProjectSpec.model_validate_json(text))
    code = bundle.keep(package / BUNDLE, bundle.store_of(place))
    return RegisteredProject(described, code, package)
