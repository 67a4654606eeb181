"""A project opened in a place: what every verb of control gets first."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mizzen.core.place import Place
from mizzen.errors import InvalidProject
from mizzen.spec.load import load_profile, load_project
from mizzen.spec.profile import Profile
from mizzen.spec.project import ProjectSpec

if TYPE_CHECKING:
    from mizzen.state.interface import State
    from mizzen.state.records import RunRecord


@dataclass(frozen=True)
class Workspace:
    """`folder` holds mizzen.yaml; `overrides` were applied to `spec`, for this run only."""

    folder: Path
    profile: str
    spec: ProjectSpec
    place: Place
    overrides: Mapping[str, Any] = field(default_factory=dict)

    @cached_property
    def state(self) -> State:
        """The state of this place, opened when first asked for."""
        from mizzen.state import open_state

        return open_state(self.place)

    def elsewhere(self, run: RunRecord) -> bool:
        """Whether another machine executed a run: the state is shared, and the run's folder, with
        its logs and what it left, is not here."""
        profile = self.place.profile
        shared = profile.control.url is not None or profile.state is not None
        return shared and not Path(run.folder).exists()

    @property
    def runs(self) -> Path:
        """The folder with one folder a run."""
        return self.place.home / "runs"

    def changed(self, overrides: Mapping[str, Any]) -> Workspace:
        """The same project with fields set for one run.

        Raises:
            InvalidProject: a field or value that is not allowed.
        """
        if not overrides:
            return self
        merged = {**self.overrides, **overrides}
        return replace(self, spec=load_project(self.folder, merged), overrides=merged)

    def described(self, spec: ProjectSpec) -> Workspace:
        """The same place with the description that a run was submitted with."""
        return replace(self, spec=spec)


def open_workspace(
    folder: Path, profile: str = "local", overrides: Mapping[str, Any] | None = None
) -> Workspace:
    """Read the project in `folder` and the profile.

    Raises:
        InvalidProject: mizzen.yaml or the profile is missing or wrong.
    """
    folder = folder.expanduser().resolve()
    _refuse_no_text(folder)
    spec = load_project(folder, overrides)
    found = load_profile(folder, profile)
    found = _certain(folder, found)
    place = Place(spec.name, (folder / Path(found.home).expanduser()).resolve(), found)
    return Workspace(folder, profile, spec, place, dict(overrides or {}))


def _refuse_no_text(folder: Path) -> None:
    """A path is kept in the state and sent to steps as text."""
    try:
        str(folder).encode("utf-8")
    except UnicodeEncodeError:
        raise InvalidProject(
            f"the project's folder has a name that is no UTF-8: {str(folder)!a}",
            next_step="rename the folder",
        ) from None


def _certain(folder: Path, profile: Profile) -> Profile:
    """Files that a profile names are found from any working directory."""
    if profile.control.ca_file is None:
        return profile
    file = str(folder / Path(profile.control.ca_file).expanduser())
    control = profile.control.model_copy(update={"ca_file": file})
    return profile.model_copy(update={"control": control})
