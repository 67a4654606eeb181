"""A registered package, verified and loaded: the model as the service uses it."""

from __future__ import annotations

import hashlib
import json
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mizzen.adapters import backends
from mizzen.adapters.files.model_folder import read_manifest
from mizzen.core.encoding import Encoder
from mizzen.core.manifest import BUNDLE, PROJECT, Manifest
from mizzen.core.place import Place
from mizzen.errors import IntegrityError
from mizzen.ports.framework import Predictor
from mizzen.spec.project import ProjectSpec
from mizzen_serving.options import ServeOptions


@dataclass(frozen=True, slots=True)
class Model:
    """A loaded version with everything that answering needs."""

    project: ProjectSpec
    version: int
    manifest: Manifest
    encoder: Encoder
    predictor: Predictor

    def warm_up(self) -> float:
        """One prediction of an average row, so that the first request finds caches filled and
        a model that cannot predict is found before the service says that it is ready.
        Returns the seconds that one row takes."""
        row = self.encoder.average()
        output = self.predictor.predict(row)
        started = time.perf_counter()
        self.predictor.predict(row)
        seconds = time.perf_counter() - started
        if len(output) != 1 or not np.isfinite(output).all():
            raise IntegrityError(
                f"version {self.version} of {self.project.name} predicts no finite value",
                given=output,
                next_step="train again, or serve another version",
            )
        return seconds


def load_model(options: ServeOptions, place: Place) -> Model:
    """The package's model, each file compared with its hash first.

    Raises:
        IntegrityError: a file is missing or differs.
        MissingDependencyError: the framework's library is not installed.
    """
    manifest, encoder = read_manifest(options.package)
    for name, digest in manifest.files.items():
        _verify(options.package / name, digest)
    project = read_project(options.package)
    framework = backends.load_backend("framework", manifest.framework)(place)
    predictor = framework.load(
        options.package,
        unpack_code(options.package, place),
        {"threads": options.threads, "device": "cpu"},
    )
    return Model(project, options.version, manifest, encoder, predictor)


def _verify(file: Path, digest: str) -> None:
    try:
        found = hashlib.sha256(file.read_bytes()).hexdigest()
    except OSError as error:
        raise IntegrityError(
            f"the package lacks {file.name}", given=error, next_step="fetch the package again"
        ) from None
    if found != digest:
        raise IntegrityError(
            f"{file} does not hold what was registered",
            given=found,
            allowed=digest,
            next_step="fetch the package again",
        )


def read_project(package: Path) -> ProjectSpec:
    """The description that a package was registered with.

    Raises:
        IntegrityError: there is none.
    """
    try:
        return ProjectSpec.model_validate(json.loads((package / PROJECT).read_text("utf-8")))
    except (OSError, ValueError) as error:
        raise IntegrityError(
            f"{package} holds no project description",
            given=error,
            next_step="serve a registered package; a model folder alone is not enough",
        ) from None


def unpack_code(package: Path, place: Place) -> Path | None:
    """The project's code, unpacked once in this place."""
    if not (package / BUNDLE).exists():
        return None
    from mizzen.adapters.bundle import unpack_file

    return unpack_file(package / BUNDLE, place.home / "code")
