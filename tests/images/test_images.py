"""What every image promises to who runs it."""

from __future__ import annotations

import hashlib
import json
import re
from typing import Any

import pytest
from imagebuild.build import SBOM
from imagebuild.catalog import LOCK, images
from testnode.figures import record

from mizzen import __version__
from mizzen.adapters.images.contents import declared, read_sbom

from .container import Container

SERVING = (
    "boto3",
    "lightgbm",
    "mlflow",
    "mizzen_serving.server",
    "numpy",
    "onnxruntime",
    "psycopg",
)
TABULAR = (
    *("boto3", "duckdb", "dvc.repo", "dvc_s3", "evidently", "feast", "great_expectations"),
    *(
        "lightgbm",
        "matplotlib.pyplot",
        "mlflow",
        "mizzen_components.kfp_entrypoint",
        "pandas",
        "psycopg",
    ),
    *("pyarrow.parquet", "sklearn", "mizzen_monitoring.drift_job"),
)
IMPORTS = {
    "core": ("boto3", "mlflow", "mizzen.state.database", "psycopg"),
    "tabular": TABULAR,
    "torch": (*TABULAR, "mizzen_serving.server", "onnx", "onnxruntime", "safetensors", "torch"),
    "serving": SERVING,
    "control": ("fastapi", "feast.feature_server", "mlflow.server", "psycopg_pool", "uvicorn"),
}
PROGRAMS = {
    "core": ("mizzen",),
    "tabular": ("mizzen",),
    "torch": ("mizzen", "mizzen_serving"),
    "serving": ("mizzen_serving",),
    "control": ("mizzen", "mizzen.api"),
}
LISTED = """
import importlib.metadata, json
print(json.dumps([[d.metadata["Name"], d.version] for d in importlib.metadata.distributions()]))
"""
FILES = """
import os, json, sys
found = [os.path.join(where, name) for top in ("/usr", "/etc", "/opt", "/run", "/var", "/root")
         for where, _, names in os.walk(top) for name in names]
print(json.dumps(found))
"""
WITHOUT_BYTE_CODE = """
import sysconfig, json
from importlib.util import cache_from_source
from pathlib import Path
roots = {Path(sysconfig.get_path(name)) for name in ("stdlib", "purelib")}
sources = {file for root in roots for file in root.rglob("*.py")}
wanted = [file for file in sources if not {"test", "tests"} & set(file.parts)]
print(json.dumps([str(f) for f in wanted if not Path(cache_from_source(str(f))).exists()]))
"""
BUILDERS = {"as", "c++", "cc", "clang", "cmake", "g++", "gcc", "ld", "make", "pip", "pip3", "uv"}


def bill(image: Container) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(image.engine.read(image.tag, SBOM))
    return found


def test_an_image_says_where_it_comes_from(image: Container) -> None:
    labels = image.config()["Labels"]
    own = {key.rpartition("image.")[2]: value for key, value in labels.items()}
    assert own["title"] == f"mizzen/{image.name}"
    assert own["version"] == __version__
    assert re.fullmatch(r"[0-9a-f]{40}(-dirty)?|unknown", own["revision"])
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", own["created"])
    assert labels["dev.mizzen.lock"] == f"sha256:{hashlib.sha256(LOCK.read_bytes()).hexdigest()}"


def test_an_image_runs_as_a_user_that_is_not_root_by_number(image: Container) -> None:
    assert image.config()["User"] == "65532:65532"
    assert image.python("import os; print(os.getuid(), os.getgid())").split() == ["65532", "65532"]


def test_nothing_that_installs_or_compiles_is_in_an_image(image: Container) -> None:
    files = json.loads(image.python(FILES))
    names = {file.rpartition("/")[2] for file in files if "/bin/" in file or "/sbin/" in file}
    assert not names & BUILDERS
    assert [file for file in files if file.endswith(".whl")] == []
    assert "No module named pip" in image.run("pip", "--version").stderr
    assert "No module named ensurepip" in image.run("ensurepip").stderr


def test_an_image_is_no_larger_than_declared(image: Container) -> None:
    size = image.engine.inspect(image.tag).size / 1e6
    record(f"images: size of {image.name}", size, "MB")
    assert size <= images()[image.name].bound_mb


def test_the_bill_of_materials_names_what_is_installed(image: Container) -> None:
    installed = {(name, version) for name, version in json.loads(image.python(LISTED))}
    parts = bill(image)["components"]
    billed = {(p["name"], p["version"]) for p in parts if p["purl"].startswith("pkg:pypi/")}
    assert billed == installed
    packages = image.execute(["dpkg-query", "-W", "-f=${Package} ${Version}\\n"]).stdout
    debian = {f"{p['name']} {p['version']}" for p in parts if p["purl"].startswith("pkg:deb/")}
    assert debian == set(packages.splitlines())


def test_an_image_holds_what_is_declared_of_it(image: Container) -> None:
    content = read_sbom(image.name, json.dumps(bill(image)))
    known = declared()[image.name]
    assert content.distributions - {"mizzen"} == known.distributions
    own = {module for module in content.modules if module.startswith("mizzen")}
    assert content.modules - own == known.modules


def test_an_image_imports_what_it_is_for_under_a_read_only_root(image: Container) -> None:
    lines = [f"import {module}" for module in IMPORTS[image.name]]
    done = image.execute(["python", "-c", "\n".join(lines)])
    assert done.returncode == 0, done.stderr


def test_programs_of_an_image_start(image: Container) -> None:
    for program in PROGRAMS[image.name]:
        done = image.run(program, "--help")
        assert done.returncode == 0, done.stderr


def test_every_module_has_byte_code(image: Container) -> None:
    missing = json.loads(image.python(WITHOUT_BYTE_CODE))
    # templates of libraries that are no Python of this version
    assert len(missing) <= 20, missing


def test_what_lies_in_the_current_folder_shadows_no_module(image: Container) -> None:
    assert image.python("import sys; print(sys.path[0])").strip() != ""


@pytest.mark.parametrize("name", ["serving", "control"])
def test_a_change_of_code_changes_one_thin_layer(name: str, made: Any) -> None:
    core, other = made("core").layers(), made(name).layers()
    assert core[:-1] == other[: len(core) - 1]
    assert len(other) == len(core) + 1
