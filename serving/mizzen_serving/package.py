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
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from mizzen import __version__
from mizzen.adapters.files.atomic import replaced_folder
from mizzen.adapters.files.model_folder import read_manifest
from mizzen.core.manifest import BUNDLE, ENCODER, MANIFEST, Manifest
from mizzen.core.place import Place
from mizzen.errors import MizzenError
from mizzen.spec.project import ProjectSpec
from mizzen.spec.requirements import applying
from mizzen_serving.model import read_project, unpack_code
from mizzen_serving.options import VARIABLE, WITHOUT_MODEL
from mizzen_serving.requirements import pinned
from mizzen_serving.wheel import write_wheel

_SERVICE = '''"""Serves the model package beside this file; written by `mizzen models package`."""

from pathlib import Path

from mizzen_serving.bento import packed_service

svc = packed_service(Path(__file__).parent / "package", {version})
'''
_FETCHED = '''"""Serves the model version that MIZZEN_SERVING names; the Bento of images."""

from mizzen_serving.bento import fetched_service

svc = fetched_service()
'''


def build(package: Path, out: Path, version: int) -> Path:
    """Build the Bento of a registered package; returns its folder, `<out>/<name>-<version>`.

    `uv pip install -r env/python/requirements.txt` (from the Bento's `src` folder) makes an
    environment for it, and `bentoml serve <folder>` runs it.

    Raises:
        IntegrityError: `package` is none.
        MissingDependencyError: a library that the service needs is not installed here.
    """
    manifest, _ = read_manifest(package)
    project = read_project(package)
    needs = _needs(manifest, project)
    with _sources(_SERVICE.format(version=version)) as source:
        shutil.copytree(package, source / "package")
        return _build(source, out, project.name, str(version), [*needs, _add_wheel(source)])


def build_without_model(out: Path, needs: Sequence[str] | None = None) -> Path:
    """Build the Bento that gets its model when it starts, which all versions share; returns its
    folder, `<out>/mizzen-predictions-<version of Mizzen>`.

    Args:
        needs: exact versions of everything that it needs, Mizzen too; when None, as they are
            here, with this Mizzen as a wheel.
    """
    with _sources(_FETCHED) as source:
        if needs is None:
            needs = [*pinned(["mizzen[serving]"], {}), _add_wheel(source)]
        return _build(source, out, WITHOUT_MODEL, __version__, needs)


@contextmanager
def _sources(service: str) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="mizzen-bento-") as scratch:
        source = Path(scratch) / "source"
        source.mkdir()
        (source / "service.py").write_text(service)
        yield source


def _add_wheel(source: Path) -> str:
    """Put this Mizzen into a Bento; returns the requirement that names it."""
    (source / "wheels").mkdir()
    return f"./wheels/{write_wheel(source / 'wheels').name}"


def _build(source: Path, out: Path, name: str, version: str, needs: Sequence[str]) -> Path:
    target, home = out / f"{name}-{version}", source.parent / "home"
    file = _bentofile(name, version, needs)
    (source / "bentofile.yaml").write_text(yaml.safe_dump(file))
    _bentoml_build(source, home)
    out.mkdir(parents=True, exist_ok=True)
    _put(home / "bentos" / name / version, target)
    return target


def as_onnx(package: Path, into: Path, place: Place) -> Path:
    """The package of a torch model as one that needs no torch; returns its folder, `into`.
    It is served and packed as any other.

    Raises:
        Unsupported: not a torch model, or one that ONNX cannot express.
        IntegrityError: the exported model answers differently; nothing is written.
    """
    from mizzen.adapters.onnx.export import export_onnx

    manifest, _ = read_manifest(package)
    code = unpack_code(package, place) or package  # a torch model without its code is refused
    with tempfile.TemporaryDirectory(prefix="mizzen-onnx-") as scratch:
        export_onnx(place, package, code, Path(scratch) / "model")
        whole = Path(scratch) / "package"
        left = shutil.ignore_patterns(*manifest.files, MANIFEST, ENCODER, BUNDLE)
        shutil.copytree(package, whole, ignore=left)
        shutil.copytree(Path(scratch) / "model", whole, dirs_exist_ok=True)
        _put(whole, into)
    return into


def _put(built: Path, target: Path) -> None:
    """Whole or not at all. It was built elsewhere because BentoML refuses to work in a hidden
    folder, such as a profile's home."""
    with replaced_folder(target) as fresh:
        shutil.copytree(built, fresh)


def _needs(manifest: Manifest, project: ProjectSpec) -> list[str]:
    """The service's libraries as here, the model's own in the versions that trained it."""
    views = ["mizzen[feast]"] if project.features.used_views else []
    own = applying(project.dependencies)  # with their extras
    roots = ["mizzen[serving]", *manifest.libraries, *views, *own]
    return pinned(roots, manifest.libraries)


def _bentofile(name: str, version: str, packages: Sequence[str]) -> dict[str, Any]:
    return {
        "service": "service:svc",
        "name": name,
        "labels": {"version": version},
        "include": ["service.py", "package/", "wheels/"],
        "python": {"packages": list(packages), "lock_packages": False},
    }


def _bentoml_build(source: Path, home: Path) -> None:
    """In a process of its own: BentoML's store is a global of the process, and it imports the
    service by the name `service`."""
    version = yaml.safe_load((source / "bentofile.yaml").read_text())["labels"]["version"]
    # what a service of this machine is told must not get into the description
    around = {name: value for name, value in os.environ.items() if name != VARIABLE}
    done = subprocess.run(
        [sys.executable, "-m", "bentoml", "build", "--version", version],
        cwd=source,
        env={**around, "BENTOML_HOME": str(home), "BENTOML_DO_NOT_TRACK": "True"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    if done.returncode != 0:
        raise MizzenError(
            "BentoML could not build the Bento",
            given=(done.stderr or done.stdout)[-2000:],
            next_step="fix what it says, then package again",
        )
