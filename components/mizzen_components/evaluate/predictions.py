"""What the candidate and the champion answer on the same rows."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from mizzen.adapters import backends, bundle
from mizzen.adapters.files.model_folder import read_manifest
from mizzen.core.encoding import Encoder
from mizzen.core.gate import IncomparableChampion
from mizzen.core.manifest import BUNDLE, PROJECT, PROVENANCE
from mizzen.core.outputs import Floats, check_outputs
from mizzen.core.place import Place
from mizzen.errors import MizzenError, TemporaryError
from mizzen.spec.project import ProjectSpec
from mizzen_components.champion_features import own_features
from mizzen_components.model_rows import encode

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True)
class Candidate:
    """The candidate's encoder (with its classes) and its answers, one per row."""

    encoder: Encoder
    outputs: Floats


@dataclass(frozen=True, slots=True)
class Rows:
    """The held-out rows with the candidate's features, and what other features of the same rows
    are computed from: the run's tables, and the records of the candidate's views."""

    frame: pd.DataFrame
    tables: Path | None = None
    sources: Path | None = None


def answer(place: Place, folder: Path, code: Path, frame: pd.DataFrame, threads: int) -> Candidate:
    """Load the model of `folder` and predict every row of the frame."""
    manifest, encoder = read_manifest(folder)
    framework = backends.load_backend("framework", manifest.framework)(place)
    predictor = framework.load(folder, code, {"threads": threads})
    outputs = predictor.predict(encode(encoder, frame))
    classes = len(encoder.classes)
    return Candidate(encoder, check_outputs(outputs, manifest.task, len(frame), classes))


def champion_answer(
    place: Place,
    spec: ProjectSpec,
    version: int,
    rows: Rows,
    candidate: Candidate,
) -> Floats | IncomparableChampion:
    """The champion's answers, by its own encoder, code and features; or why there are none.

    Raises:
        TemporaryError: the registry is away. That says nothing about the champion.
    """
    try:
        package = fetch_package(place, spec.name, version)
        unlike = _unlike(package, spec, candidate.encoder)
        if unlike is not None:
            return IncomparableChampion(version, unlike)
        code = bundle.unpack_file(package / BUNDLE, place.home / "code")
        frame = own_features(package, code, rows.frame, spec, rows.tables, rows.sources, place)
        _, encoder = read_manifest(package)
        missing = [name for name in encoder.columns if name not in frame.columns]
        if missing:
            why = f"it needs columns that are no longer there: {', '.join(missing)}"
            return IncomparableChampion(version, why)
        threads = spec.trainer.resources.cpu
        return answer(place, package, code, frame, threads).outputs
    except TemporaryError:
        raise
    except MizzenError as error:
        return IncomparableChampion(version, error.message)
    except Exception as error:  # noqa: BLE001 (the champion's own code may raise anything)
        return IncomparableChampion(version, f"{type(error).__name__}: {error}")


def is_champion(place: Place, name: str, version: int, identity: str) -> bool:
    """Whether a candidate of this identity is that version, and only its evaluation is another."""
    try:
        text = (fetch_package(place, name, version) / PROVENANCE).read_text(encoding="utf-8")
    except TemporaryError:
        raise
    except (MizzenError, OSError):  # it cannot be compared with, which is told elsewhere
        return False
    return bool(identity) and json.loads(text).get("identity") == identity


def fetch_package(place: Place, name: str, version: int) -> Path:
    """The folder of a registered version.

    Raises:
        NotFound: no such version.
        IntegrityError: it is not what was registered.
        TemporaryError: the registry is away.
    """
    registry = backends.load_backend("registry", "mlflow")(place)
    package: Path = registry.fetch(name, version, place.home / "packages")
    return package


def _unlike(package: Path, spec: ProjectSpec, encoder: Encoder) -> str | None:
    """Why its answers mean something else, if they do."""
    text = (package / PROJECT).read_text(encoding="utf-8")
    old = ProjectSpec.model_validate_json(text)
    if (old.task, old.label.column) != (spec.task, spec.label.column):
        return f"it predicts {old.label.column} ({old.task})"
    _, its = read_manifest(package)
    if its.classes != encoder.classes:
        return f"it knows other classes: {', '.join(its.classes)}"
    return None
