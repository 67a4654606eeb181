"""A Mizzen package as MLflow sees it: one more file, `MLmodel`, and a digest of everything.

With `MLmodel` in it, `mlflow.pyfunc.load_model("models:/<name>/<version>")` answers through
Mizzen's own predictor; no pickle is involved. MLflow runs whatever module that file names, so it
has a digest of its own: a version's tags hold both, and what is fetched is compared with both.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import platform
from collections.abc import Collection
from pathlib import Path
from typing import Any

import yaml

from mizzen.adapters.files.folders import copy_folder
from mizzen.core.manifest import PROJECT
from mizzen.errors import IntegrityError
from mizzen.spec.project import ProjectSpec

MLMODEL = "MLmodel"
PACKAGE = "mizzen.package"  # the name of a package's digest, among tags and in `MLmodel`
_ADDED = "registered_model_meta"  # MLflow writes it into what it downloads by name and version


def digest_of(folder: Path, without: Collection[str] = ()) -> str:
    """SHA-256 over the names and contents of all files; `without` names some to leave out."""
    digest = hashlib.sha256()
    for file in sorted(path for path in folder.rglob("*") if path.is_file()):
        name = file.relative_to(folder).as_posix()
        if name in without:
            continue
        digest.update(f"{name}\0{_sha256(file)}\n".encode())
    return digest.hexdigest()


def verify(folder: Path, digest: str) -> Path:
    """The folder itself when its content is what was registered.

    Raises:
        IntegrityError: it is not.
    """
    if not folder.is_dir() or digest_of(folder) != digest:
        raise _changed(folder)
    return folder


def stage(package: Path, into: Path, run_id: str, digest: str) -> str:
    """Copy a package and add `MLmodel`, which names the package's digest; returns the SHA-256 of
    `MLmodel` itself."""
    copy_folder(package, into)
    document = _mlmodel(ProjectSpec.model_validate_json((into / PROJECT).read_text("utf-8")))
    document |= {"run_id": run_id, "metadata": {PACKAGE: digest}}
    text = yaml.safe_dump(document, sort_keys=True)
    (into / MLMODEL).write_text(text, encoding="utf-8")
    return hashlib.sha256(text.encode()).hexdigest()


def unstage(folder: Path, digest: str) -> None:
    """The reverse of `stage`, for a folder that came from MLflow: what is left is the package.

    Raises:
        IntegrityError: `MLmodel` is not what was registered.
    """
    file = folder / MLMODEL
    if not file.is_file() or _sha256(file) != digest:
        raise _changed(folder, MLMODEL)
    file.unlink()


def verify_staged(folder: Path) -> None:
    """See that a staged package is the one that its `MLmodel` names.

    Raises:
        IntegrityError: it is not.
    """
    document = yaml.safe_load((folder / MLMODEL).read_text(encoding="utf-8"))
    digest = document.get("metadata", {}).get(PACKAGE)
    if digest_of(folder, without=(MLMODEL, _ADDED)) != digest:
        raise _changed(folder)


def _changed(folder: Path, file: str | None = None) -> IntegrityError:
    return IntegrityError(
        f"the package in {folder} is not what was registered",
        given=file and f"{file} was changed",
        next_step="restore it from a backup, or train again",
    )


def _sha256(file: Path) -> str:
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


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
