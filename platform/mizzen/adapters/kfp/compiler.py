"""From a pipeline written with the DSL to its compiled form. `mizzen_pipelines` calls this."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import yaml

from mizzen.adapters.backends import missing

_PLATFORMS = "platforms"


def compile_pipeline(pipeline: Any) -> str:
    """The pipeline's representation as YAML, with the platform's settings as a second document."""
    from kfp.compiler import Compiler  # type: ignore[import-untyped]

    with tempfile.TemporaryDirectory(prefix="mizzen-compile-") as folder:
        file = Path(folder) / "pipeline.yaml"
        Compiler().compile(pipeline, str(file))
        return file.read_text(encoding="utf-8")


def parse(text: str) -> dict[str, Any]:
    """Compiled YAML as one dictionary; the platform's settings lie under `platforms`."""
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    documents = list(yaml.load_all(text, Loader=loader))
    return {key: value for document in documents for key, value in document.items()}


def to_yaml(document: Mapping[str, Any]) -> str:
    """The inverse of `parse`: the YAML that Kubeflow Pipelines and `kfp.local` take."""
    pipeline = {key: value for key, value in document.items() if key != _PLATFORMS}
    platforms = {key: value for key, value in document.items() if key == _PLATFORMS}
    dumper = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
    text: str = yaml.dump_all([part for part in (pipeline, platforms) if part], Dumper=dumper)
    return text


def compiler_version() -> str:
    """KFP's version, without importing it.

    Raises:
        MissingDependencyError: it is not installed.
    """
    try:
        return version("kfp")
    except PackageNotFoundError:
        raise missing("kfp", "kfp") from None
