"""What `mlflow.pyfunc.load_model` calls for a registered package.

It sees that the files are those that `MLmodel` names. Whether `MLmodel` itself was changed nobody
can tell from inside: `mizzen.Project.load_model` compares it with the registry first.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mizzen.adapters import backends, bundle
from mizzen.adapters.files.model_folder import read_manifest
from mizzen.adapters.mlflow.package import verify_staged
from mizzen.core.encoding import Encoder
from mizzen.core.manifest import BUNDLE
from mizzen.core.place import Place
from mizzen.ports.framework import Floats, Predictor
from mizzen.spec.profile import Profile

if TYPE_CHECKING:
    import pandas as pd


class PackageModel:
    """Rows of the project's features as a DataFrame -> outputs (see `ports.framework`)."""

    def __init__(self, encoder: Encoder, predictor: Predictor) -> None:
        self._encoder = encoder
        self._predictor = predictor

    def predict(self, data: pd.DataFrame, params: dict[str, Any] | None = None) -> Floats:
        """Outputs in the order of the rows."""
        columns = {str(name): data[name].to_numpy() for name in data.columns}
        return self._predictor.predict(self._encoder.encode(columns))


def _load_pyfunc(path: str) -> PackageModel:
    verify_staged(Path(path))
    return open_package(Path(path))


def open_package(folder: Path) -> PackageModel:
    """The model of a package's folder, ready to predict."""
    manifest, encoder = read_manifest(folder)
    code = bundle.unpack_file(folder / BUNDLE, Path(tempfile.mkdtemp(prefix="mizzen-code-")))
    here = Profile.model_validate({"apiVersion": "mizzen.dev/v1", "kind": "Profile"})
    framework = backends.load_backend("framework", manifest.framework)(Place("pyfunc", code, here))
    return PackageModel(encoder, framework.load(folder, code, {}))
