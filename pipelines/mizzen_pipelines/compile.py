"""A project's pipelines, compiled at most once for each description and version of the code.

Control asks `plan` or `compiled` at every run: the answer comes from a file while nothing
changed, without importing KFP. `python -m mizzen_pipelines.compile` writes the pipelines of
the examples into `pipelines/compiled/`.
"""

from __future__ import annotations

import hashlib
import importlib
import json
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from mizzen.adapters.files.atomic import replace_text
from mizzen.adapters.kfp.compiler import compile_pipeline, compiler_version, parse
from mizzen.core.ir import read
from mizzen.core.plan import Plan
from mizzen.errors import UserError
from mizzen.spec import ProjectSpec, load_project

KINDS = {
    "training": "mizzen_pipelines.training",
    "batch-inference": "mizzen_pipelines.batch_inference",
}


def plan(spec: ProjectSpec, kind: str, cache: Path, image: str | None = None) -> Plan:
    """The plan of a project's pipeline; `cache` is a folder for compiled ones."""
    return read(compiled(spec, kind, cache, image))


def compiled(spec: ProjectSpec, kind: str, cache: Path, image: str | None = None) -> dict[str, Any]:
    """The compiled pipeline as a dictionary, kept in `<cache>/<name>-<kind>-<key>.json`.

    Args:
        kind: `training` or `batch-inference`.
    """
    file = cache / f"{spec.name}-{kind}-{_key(spec, image)}.json"
    try:
        document: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        document = parse(compile_text(spec, kind, image))
        replace_text(file, json.dumps(document))
    return document


def compile_text(spec: ProjectSpec, kind: str, image: str | None = None) -> str:
    """The compiled pipeline as the YAML that Kubeflow Pipelines takes."""
    if kind not in KINDS:
        raise UserError(f"no pipeline {kind!r}", allowed=", ".join(KINDS))
    builder = importlib.import_module(KINDS[kind])
    return compile_pipeline(builder.build(spec, image))


def examples(root: Path) -> Iterator[tuple[str, str]]:
    """File name and YAML of every pipeline of every example project below `root`."""
    for project in sorted(root.glob("*/mizzen.yaml")):
        spec = load_project(project.parent)
        for kind in KINDS:
            yield f"{spec.name}-{kind}.yaml", compile_text(spec, kind)


def _key(spec: ProjectSpec, image: str | None) -> str:
    key = hashlib.sha256(f"{compiler_version()}|{image}|{spec.model_dump_json()}".encode())
    for package in ("mizzen_pipelines", "mizzen_components.kfp_components", "mizzen.adapters.kfp"):
        for file in _sources(package):
            key.update(file.read_bytes())
    return key.hexdigest()[:20]


def _sources(package: str) -> Iterator[Path]:
    top, _, below = package.partition(".")
    spec = find_spec(top)
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        yield from sorted(Path(folder, *below.split(".") if below else ()).glob("*.py"))


def main() -> None:
    """Write `pipelines/compiled/` anew from `pipelines/examples/`."""
    root = Path(__file__).resolve().parents[1]
    target = root / "compiled"
    target.mkdir(exist_ok=True)
    written = set()
    for name, text in examples(root / "examples"):
        (target / name).write_text(text, encoding="utf-8")
        written.add(name)
    for stale in {file.name for file in target.glob("*.yaml")} - written:
        (target / stale).unlink()


if __name__ == "__main__":
    main()
