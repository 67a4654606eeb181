"""Where a model comes from, as a document, as tags of its version, and as requirements."""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import platform
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mizzen.adapters.files.model_folder import read_manifest
from mizzen.spec.project import ProjectSpec


def describe(
    model: Path,
    evaluation: Mapping[str, Any],
    verdict: Mapping[str, Any],
    validation: Mapping[str, Any],
    spec: ProjectSpec,
    **origin: Any,
) -> dict[str, Any]:
    """Everything that the version must be able to say later. `origin`: code, data_version,
    feature_version, git_commit, git_dirty, identity. No times and no paths: equal runs give
    equal text."""
    manifest, encoder = read_manifest(model)
    return {
        "project": spec.name,
        "task": spec.task,
        **origin,
        "framework": manifest.framework,
        "libraries": manifest.libraries,
        "python": platform.python_version(),
        "weights_hash": manifest.weights_hash,
        "encoder_hash": hashlib.sha256(encoder.to_json().encode()).hexdigest(),
        "parameters": spec.trainer.parameters,
        "seed": spec.trainer.seed,
        "resources": spec.trainer.resources.model_dump(mode="json"),
        "split": spec.split.model_dump(mode="json"),
        "features": [column.name for column in spec.features.inputs],
        "label": spec.label.column,
        "expectations": _expectations(validation),
        "champion": evaluation["champion"],
        "rule": verdict["rule"],
        "reason": verdict["reason"],
    }


def tags_of(document: Mapping[str, Any]) -> dict[str, str]:
    """The same as short texts; structures are in `provenance.json`."""
    texts = {
        key: value if isinstance(value, str) else json.dumps(value, sort_keys=True)
        for key, value in document.items()
    }
    return {f"mizzen.{key}": text for key, text in texts.items()}


def metrics_of(evaluation: Mapping[str, Any]) -> dict[str, float]:
    """The metrics that are defined, with the bounds of their intervals."""
    found = {}
    for name, record in evaluation["metrics"].items():
        for suffix, key in (("", "value"), (".low", "low"), (".high", "high")):
            if record[key] is not None:
                found[name + suffix] = float(record[key])
    if evaluation["calibration"] is not None:
        found["calibration_error"] = float(evaluation["calibration"]["error"])
    return found


def requirements_of(libraries: Mapping[str, str]) -> str:
    """What must be installed to load the model, by exact version."""
    needed = {"mizzen", "numpy", "pandas"}
    versions = {name: importlib.metadata.version(name) for name in needed} | dict(libraries)
    return "".join(f"{name}=={version}\n" for name, version in sorted(versions.items()))


def python_env() -> str:
    """MLflow's description of the environment."""
    lines = [f"python: {platform.python_version()}", "dependencies:", "- -r requirements.txt"]
    return "\n".join(lines) + "\n"


def _expectations(validation: Mapping[str, Any]) -> dict[str, int]:
    checks = validation.get("checks", [])
    failed = [check for check in checks if not check["success"]]
    return {"checks": len(checks), "failed": len(failed)}
