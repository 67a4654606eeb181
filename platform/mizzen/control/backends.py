"""What more than one room opens of a place: registry, prediction log, features, versions."""

from __future__ import annotations

from pathlib import Path

from mizzen.adapters.backends import load_backend
from mizzen.control.workspace import Workspace
from mizzen.core.place import Place
from mizzen.errors import NotFound
from mizzen.ports.data import FeatureSource
from mizzen.ports.models import Registry
from mizzen.ports.prediction_log import PredictionLog

REGISTRY = "mlflow"


def registry_of(workspace: Workspace) -> Registry:
    """The registry of the workspace's place."""
    registry: Registry = load_backend("registry", REGISTRY)(workspace.place)
    return registry


def prediction_log(place: Place) -> PredictionLog:
    """The prediction log of a place, for reading and for labels."""
    kind = "segments" if place.profile.prediction_log.url is None else "shipped"
    log: PredictionLog = load_backend("prediction_log", kind)(place)
    return log


def feature_source(place: Place) -> FeatureSource:
    """The feature store of a place."""
    source: FeatureSource = load_backend("feature_source", place.profile.feature_store.kind)(place)
    return source


def packages_folder(place: Place) -> Path:
    """Where fetched packages lie."""
    return place.home / "packages"


def version_of(workspace: Workspace, version: int | None) -> int:
    """The given version if it exists, or the champion.

    Raises:
        NotFound: no such version, or no champion.
    """
    if version is not None:
        return workspace.state.models.get_version(workspace.spec.name, version).number
    champion = workspace.state.models.champion(workspace.spec.name)
    if champion is None:
        known = workspace.state.models.all_versions(workspace.spec.name)
        last = f"promote one: mizzen models promote {known[-1].number}" if known else None
        raise NotFound(
            f"{workspace.spec.name} has no champion", next_step=last or "train one: mizzen run"
        )
    return champion.version
