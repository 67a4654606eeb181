"""The step itself: assemble the package, then hand it to the registry in one act."""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from mizzen.adapters import backends, bundle
from mizzen.adapters.files.atomic import replaced_folder
from mizzen.adapters.files.folders import copy_folder, told_when_full
from mizzen.adapters.files.model_folder import read_baseline, read_manifest, write_manifest
from mizzen.core.identity import identity_of
from mizzen.core.manifest import BASELINE, BUNDLE, CARD, PROJECT, PROVENANCE
from mizzen.core.place import Place
from mizzen.core.views import views_of
from mizzen.errors import MizzenError, TemporaryError
from mizzen.ports.models import Registry
from mizzen.spec.project import ProjectSpec
from mizzen_components.feature_records import read_records
from mizzen_components.model_card import card
from mizzen_components.register import provenance


class RegisterFigures(NamedTuple):
    """The number of the new version."""

    version: int


def run(
    *,
    model: Path,
    evaluation: Path,
    baseline: Path,
    validation: Path,
    code: str,
    project: dict[str, Any],
    data_version: str,
    feature_version: str,
    git_commit: str,
    git_dirty: bool,
    package: Path,
    sources: Path | None = None,
) -> RegisterFigures:
    """Write the package folder and register it. A model that is registered already stays the
    version that it is, and this evaluation is kept beside it; then `package` is empty.

    Trying again after a failure or a kill gives one version: the registry knows the package of
    a run by its content.

    Raises:
        TemporaryError: the registry is away, or the disk is full; no version was made.
    """
    place, spec = Place.from_environment(os.environ), ProjectSpec.model_validate(project)
    measured = _read(evaluation / "metrics.json")
    origin = provenance.describe(
        model,
        measured,
        _read(evaluation / "verdict.json"),
        _read(validation / "result.json"),
        spec,
        code=code,
        data_version=data_version,
        feature_version=feature_version,
        git_commit=git_commit,
        git_dirty=git_dirty,
        identity=identity_of(*read_manifest(model), spec, code, read_records(sources)),
    )
    known = _known(place, spec, evaluation, origin)
    if known is not None:
        package.mkdir(parents=True, exist_ok=True)
        return RegisterFigures(known)
    with told_when_full("the package"), replaced_folder(package) as scratch:
        copy_folder(model, scratch)
        _add_views(scratch, spec, sources)
        copy_folder(evaluation, scratch / "evaluation")
        (scratch / "evaluation" / CARD).unlink(missing_ok=True)  # the package's own says more
        shutil.copyfile(baseline, scratch / BASELINE)
        shutil.copyfile(validation / "result.json", scratch / "validation.json")
        shutil.copyfile(bundle.store_of(place) / f"{code}.tar", scratch / BUNDLE)
        _write_texts(scratch, spec, measured, origin)
    return RegisterFigures(_register(place, spec, package, measured, origin))


def _add_views(folder: Path, spec: ProjectSpec, sources: Path | None) -> None:
    """The manifest says from now on which versions of feature views the model needs.

    Raises:
        IntegrityError: `sources` lacks the record of one.
    """
    manifest, encoder = read_manifest(folder)
    needed = {
        name: {part: record[part] for part in ("version", "code", "files")}
        for name, record in read_records(sources).items()
    }
    views_of(spec, needed)
    write_manifest(folder, replace(manifest, views=needed), encoder)


def _known(place: Place, spec: ProjectSpec, evaluation: Path, origin: dict[str, Any]) -> int | None:
    """The version that is this very model, with the new evaluation kept beside it."""
    if not origin["identity"]:
        return None
    registry = backends.load_backend("registry", "mlflow")(place)
    for known in registry.find(spec.name, {"mizzen.identity": origin["identity"]}):
        if _is_sound(registry, spec.name, known, place):
            run = os.environ.get("MIZZEN_RUN_ID", "")
            registry.keep(spec.name, known, evaluation, f"evaluations/{run or 'run'}")
            return int(known)
    return None


def _is_sound(registry: Registry, name: str, version: int, place: Place) -> bool:
    """Whether a version can be used; one that cannot is replaced by training it again."""
    try:
        package = registry.fetch(name, version, place.home / "packages")
        read_manifest(package)
        read_baseline(package / BASELINE)
    except TemporaryError:
        raise
    except MizzenError:
        return False
    return True


def _write_texts(
    folder: Path, spec: ProjectSpec, measured: dict[str, Any], origin: dict[str, Any]
) -> None:
    manifest, _ = read_manifest(folder)
    texts = {
        PROJECT: json.dumps(spec.model_dump(mode="json", by_alias=True), indent=1, sort_keys=True),
        PROVENANCE: json.dumps(origin, indent=1, sort_keys=True),
        "requirements.txt": provenance.requirements_of(manifest.libraries),
        "python_env.yaml": provenance.python_env(),
        CARD: card(spec, measured, origin),
    }
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8")


def _register(
    place: Place,
    spec: ProjectSpec,
    package: Path,
    measured: dict[str, Any],
    origin: dict[str, Any],
) -> int:
    registry = backends.load_backend("registry", "mlflow")(place)
    parameters = {"trainer": spec.trainer.kind, "seed": spec.trainer.seed, **origin["parameters"]}
    version: int = registry.register(
        spec.name,
        package,
        os.environ.get("MIZZEN_RUN_ID", ""),
        provenance.tags_of(origin),
        provenance.metrics_of(measured),
        parameters,
    )
    return version


def _read(file: Path) -> dict[str, Any]:
    document = json.loads(file.read_text(encoding="utf-8"))
    return document if isinstance(document, dict) else {"checks": document}
