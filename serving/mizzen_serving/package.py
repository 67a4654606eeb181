"""`mizzen models package`: a model version as a Bento, which runs where nothing else is.

The Bento holds the registered package, a one-line service, this Mizzen as a wheel, and exact
versions of everything needed. It names no package index: whoever installs it decides where
from (PIP_INDEX_URL, PIP_FIND_LINKS, UV_FIND_LINKS and the like).
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import uuid
from pathlib import Path
from typing import Any

import yaml

from mizzen.core.manifest import Manifest, read_manifest
from mizzen.errors import MizzenError
from mizzen_serving.model import read_project
from mizzen_serving.requirements import pinned
from mizzen_serving.wheel import write_wheel

_SERVICE = '''"""Serves the model package beside this file; written by `mizzen models package`."""

from pathlib import Path

from mizzen_serving.bento import packed_service

svc = packed_service(Path(__file__).parent / "package", {version}, {framework!r})
'''


def build(package: Path, out: Path, version: int, framework: str | None = None) -> Path:
    """Build the Bento of a registered package; returns its folder, `<out>/<name>-<version>`.

    `uv pip install -r env/python/requirements.txt` (from the Bento's `src` folder) makes an
    environment for it, and `bentoml serve <folder>` runs it.

    Args:
        framework: instead of the package's own; `onnx` serves a torch model without torch.

    Raises:
        IntegrityError: `package` is none.
        MissingDependencyError: a library that the service needs is not installed here.
    """
    manifest, _ = read_manifest(package)
    project = read_project(package)
    target = out / f"{project.name}-{version}"
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="mizzen-bento-") as scratch:
        source = Path(scratch) / "source"
        shutil.copytree(package, source / "package")
        (source / "service.py").write_text(_SERVICE.format(version=version, framework=framework))
        (source / "wheels").mkdir()
        wheel = write_wheel(source / "wheels")
        needs = _needs(manifest, framework, bool(project.features.used_views))
        file = _bentofile(project.name, version, [*needs, f"./wheels/{wheel.name}"])
        (source / "bentofile.yaml").write_text(yaml.safe_dump(file))
        _bentoml_build(source, Path(scratch) / "home")
        _place(Path(scratch) / "home" / "bentos" / project.name / str(version), target)
    return target


def _place(built: Path, target: Path) -> None:
    """Whole or not at all. BentoML builds in no hidden folder, such as a profile's home, so
    the Bento comes from elsewhere."""
    fresh = target.with_name(f".{target.name}.{uuid.uuid4().hex}")
    try:
        shutil.copytree(built, fresh)
        if target.exists():
            shutil.rmtree(target)
        fresh.rename(target)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)


def _needs(manifest: Manifest, framework: str | None, views: bool) -> list[str]:
    """A model's own libraries in the versions that trained it; another framework's as here."""
    libraries = manifest.libraries if framework in (None, manifest.framework) else {}
    roots = ["mizzen[serving]", *libraries]
    if framework is not None and not libraries:
        roots.append({"onnx": "onnxruntime"}.get(framework, framework))
    if views:
        roots.append("mizzen[feast]")
    return pinned(roots, libraries)


def _bentofile(name: str, version: int, packages: list[str]) -> dict[str, Any]:
    return {
        "service": "service:svc",
        "name": name,
        "labels": {"version": str(version)},
        "include": ["service.py", "package/", "wheels/"],
        "python": {"packages": packages, "lock_packages": False},
    }


def _bentoml_build(source: Path, home: Path) -> None:
    """In a process of its own: BentoML's store is a global of the process, and it imports the
    service by the name `service`."""
    version = yaml.safe_load((source / "bentofile.yaml").read_text())["labels"]["version"]
    done = subprocess.run(
        [sys.executable, "-m", "bentoml", "build", "--version", version],
        cwd=source,
        env={**os.environ, "BENTOML_HOME": str(home), "BENTOML_DO_NOT_TRACK": "True"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    if done.returncode != 0:
        raise MizzenError(
            "BentoML could not build the Bento",
            given=(done.stderr or done.stdout)[-2000:],
            next_step="mend what it says, then package again",
        )
