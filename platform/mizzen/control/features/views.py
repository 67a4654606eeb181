"""Versions of feature views in the feature store: who needs them, whether their values end, and
which ones nobody needs any more.

Every registered version may be promoted, so each keeps its versions of views until it is deleted
from the registry. What runs declared that registered nothing can be pruned. See ADR 0018.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from mizzen.control.backends import feature_source, packages_folder, registry_of
from mizzen.control.models.prepare import package_views
from mizzen.control.runs import finalize
from mizzen.control.workspace import Workspace
from mizzen.core.place import Place
from mizzen.errors import Conflict, MizzenError
from mizzen.ports.data import DeclaredView

RUNS = 500  # of the newest, among which those are that have not ended


@dataclass(frozen=True, slots=True)
class NeededView:
    """A version of a view in the feature store, and the model versions that need it."""

    declared: DeclaredView
    needed_by: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class StaleView:
    """A view of which a model version's own values end (`ends`; None: there are none), while
    another version of it, or nothing, is known until `newer`."""

    view: str
    version: int
    ends: datetime | None
    newer: datetime | None

    def __str__(self) -> str:
        return f"{self.found}; compute them anew: {self.fix}"

    @property
    def found(self) -> str:
        """What is so, in words."""
        if self.ends is None:
            return (
                f"the feature store holds no values of view {self.view!r} for version "
                f"{self.version}: its features will be missing"
            )
        return (
            f"values of view {self.view!r} for version {self.version} end at "
            f"{self.ends:%FT%TZ}; another version of the view has values until "
            f"{self.newer:%FT%TZ}"
        )

    @property
    def fix(self) -> str:
        """The command that computes them anew."""
        return f"mizzen features refresh --version {self.version}"


def view_versions(workspace: Workspace) -> list[NeededView]:
    """Every version of every view that the feature store holds, by name, oldest first.

    Raises:
        MizzenError: registry or feature store do not answer, or a package cannot be read: then
            nobody knows what it needs.
    """
    needed = _needed(workspace)
    return [
        NeededView(one, tuple(needed.get((one.view, one.version), ())))
        for one in feature_source(workspace.place).declared()
    ]


def prune(workspace: Workspace, unused_for: timedelta, now: datetime) -> list[DeclaredView]:
    """Remove the versions of views that no registered version and no champion needs, and that
    no run declared for so long; what was removed.

    Raises:
        Conflict: a run has not ended: it may be about to register what needs them.
        MizzenError: as `view_versions`; nothing is removed.
    """
    _refuse_while_running(workspace)
    unused = [one.declared for one in view_versions(workspace) if not one.needed_by]
    old = [view for view in unused if now - view.at >= unused_for]
    feature_source(workspace.place).remove(old)
    return old


def stale_views(place: Place, package: Path, version: int) -> list[StaleView]:
    """The views of a version whose own values end before those of another version of the view:
    after a rollback, nothing but `mizzen features refresh` computes them anew."""
    views = package_views(package)
    if not views:
        return []
    declared = feature_source(place).declared()
    ends = {(one.view, one.version): one.ends for one in declared if one.history}
    stale = []
    for view in views:
        mine = ends.get((view.name, view.version))
        others = [at for (name, _), at in ends.items() if name == view.name and at is not None]
        newer = max(others, default=None)
        if mine is None or (newer is not None and newer > mine):
            stale.append(StaleView(view.name, version, mine, newer))
    return stale


def stale_of(workspace: Workspace, version: int) -> list[StaleView]:
    """`stale_views` of a registered version, fetched if it is not here."""
    package = registry_of(workspace).fetch(
        workspace.spec.name, version, packages_folder(workspace.place)
    )
    return stale_views(workspace.place, package, version)


def notes(workspace: Workspace, version: int, fetch: bool) -> list[str]:
    """`stale_of` in words, or why it is not known. Without `fetch` no registry is asked, and
    nothing is said of a version that was not brought here to be served."""
    here = (packages_folder(workspace.place) / workspace.spec.name / str(version)).exists()
    if not here and not (fetch and workspace.spec.features.used_views):
        return []
    try:
        return [str(stale) for stale in stale_of(workspace, version)]
    except MizzenError as error:
        return [f"whether the values of its features end is not known: {error.message}"]


def _needed(workspace: Workspace) -> dict[tuple[str, str], list[int]]:
    """(view, its version) -> the model versions that need it."""
    name, registry = workspace.spec.name, registry_of(workspace)
    champion = workspace.state.models.champion(name)
    numbers = {found.version for found in registry.versions(name)}
    numbers |= {champion.version} if champion else set()
    needed: dict[tuple[str, str], list[int]] = {}
    for number in sorted(numbers):
        package = registry.fetch(name, number, packages_folder(workspace.place))
        for view in package_views(package):
            needed.setdefault((view.name, view.version), []).append(number)
    return needed


def _refuse_while_running(workspace: Workspace) -> None:
    runs = workspace.state.runs.newest_first(workspace.spec.name, RUNS)
    waiting = [run for run in runs if not run.state.ended]
    busy = [
        run.id for run in waiting if not finalize.detect_interrupted(workspace, run).state.ended
    ]
    if busy:
        raise Conflict(
            "a run that has not ended may need what would be removed",
            given=", ".join(busy),
            next_step=f"wait for it, or end it: mizzen runs cancel {busy[0]}",
        )
