"""A Mizzen package as MLflow sees it: one more file, `MLmodel`, and a digest of all others.

With `MLmodel` in it, `mlflow.pyfunc.load_model("models:/<name>/<version>")` answers through
Mizzen's own predictor; no pickle is involved.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import platform
from pathlib import Path
from typing import Any

import yaml

from mizzen.core.folders import copy_folder
from mizzen.core.manifest import PROJECT
from mizzen.errors import IntegrityError
from mizzen.spec.project import ProjectSpec

MLMODEL = "MLmodel"


def digest_of(folder: Path) -> str:
    """SHA-256 over the names and contents of all files but `MLmodel`."""
    digest = hashlib.sha256()
    for file in sorted(path for path in folder.rglob("*") if path.is_file()):
        name = file.relative_to(folder).as_posix()
        if name == MLMODEL:
            continue
        with file.open("rb") as content:
            inner = hashlib.file_digest(content, "sha256").hexdigest()
        digest.update(f"{name}\0{inner}\n".encode())
    return digest.hexdigest()


def verify(folder: Path, digest: str) -> Path:
    """The folder itself when its content is what was registered.

    Raises:
        IntegrityError: it is not.
    """
    if not folder.is_dir() or digest_of(folder) != digest:
        raise IntegrityError(
            f"the package in {folder} is not what was registered",
            next_step="restore it from a backup, or train again",
        )
    return folder


def stage(package: Path, into: Path, run_id: str) -> None:
    """Copy a package and add `MLmodel`."""
    copy_folder(package, into)
    document = _mlmodel(ProjectSpec.model_validate_json((into / PROJECT).read_text("utf-8")))
    document["run_id"] = run_id
    (into / MLMODEL).write_text(yaml.safe_dump(document, sort_keys=True), encoding="utf-8")


def _mlmodel(spec: ProjectSpec) -> dict[str, Any]:
    flavor = {
        "loader_module": "mizzen.adapters.mlflow.pyfunc",
        "python_version": platform.python_version(),
        "env": {"virtualenv": "python_env.yaml"},
    }
    return {
        "artifact_path": "model",
        "flavors": {"python_function": flavor},
        "signature": _signature(spec),
        "mlflow_version": importlib.metadata.version("mlflow-skinny"),
    }


def _signature(spec: ProjectSpec) -> dict[str, str]:
    inputs = [
        {
            "type": "double" if column.kind == "number" else "string",
            "name": column.name,
            "required": column.required,
        }
        for column in spec.features.inputs
    ]
    width = -1 if spec.task == "multiclass" else None
    shape = [-1] if width is None else [-1, width]
    outputs = [{"type": "tensor", "tensor-spec": {"dtype": "float64", "shape": shape}}]
    return {"inputs": json.dumps(inputs), "outputs": json.dumps(outputs)}
