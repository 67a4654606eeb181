"""A dependency that an image lacks is an error before a run starts. Needs no image."""

from __future__ import annotations

import ast
import json
import re
import sys
from itertools import pairwise
from pathlib import Path

import pytest

from mizzen.adapters.images.contents import STEPS, check, contents_of, declared, read_sbom, smallest
from mizzen.adapters.kfp.compiler import parse
from mizzen.control.check.needs import imports_of_steps
from mizzen.core.plan import Plan, Task
from mizzen.errors import MissingDependencyError, UserError
from mizzen.spec import load_project

EXAMPLES = Path(__file__).parents[2] / "pipelines" / "examples"
COMPILED = EXAMPLES.parent / "compiled"
DESCRIPTION = """
apiVersion: mizzen.dev/v1
kind: Project
name: tiny
task: binary
data:
  source: {python: "data:rows"}
  key: [id]
features:
  columns: [{name: a}]
label: {column: y}
split: {by: key, test: 0.2}
trainer: {kind: python, function: "model:fit"}
evaluation: {metrics: [auc]}
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "mizzen.yaml").write_text(DESCRIPTION)
    (tmp_path / "data.py").write_text("import pandas\n\ndef rows(): ...\n")
    return tmp_path


def task(step: str, image: str, libraries: str = "") -> Task:
    environment = {"MIZZEN_LIBRARIES": libraries}
    return Task(step, f"mizzen_components.{step}:run", environment=environment, image=image)


def test_a_larger_image_holds_what_a_smaller_one_holds() -> None:
    for below, above in pairwise(STEPS):
        assert declared()[below].distributions < declared()[above].distributions


@pytest.mark.parametrize(
    ("libraries", "smallest_one"),
    [
        (["boto3"], "core"),
        (["pandas", "great-expectations"], "tabular"),
        (["mlflow"], "core"),  # the module of mlflow-skinny
        (["torch", "safetensors"], "torch"),
    ],
)
def test_a_step_runs_in_the_smallest_image_that_will_do(
    libraries: list[str], smallest_one: str
) -> None:
    assert smallest(libraries) == smallest_one


def test_a_library_that_no_image_has_is_named() -> None:
    with pytest.raises(MissingDependencyError, match="xgboost"):
        smallest(["pandas", "xgboost"])


def test_a_run_whose_image_lacks_a_framework_is_refused_before_it_starts() -> None:
    plan = Plan("p", (task("train", "registry.example/mizzen/tabular:1", "pandas,torch"),))
    with pytest.raises(MissingDependencyError) as refused:
        check(plan, {})
    assert refused.value.given == "train: torch"
    assert refused.value.allowed == "mizzen/torch"


def test_a_run_whose_image_lacks_what_the_project_imports_is_refused(project: Path) -> None:
    (project / "model.py").write_text("import numpy\nimport xgboost.sklearn\n\ndef fit(): ...\n")
    imports = imports_of_steps(project, load_project(project))
    plan = Plan("p", (task("snapshot", "mizzen/tabular:1"), task("train", "mizzen/tabular:1")))
    with pytest.raises(MissingDependencyError) as refused:
        check(plan, imports)
    assert refused.value.given == "train: xgboost (model.py:2)"
    assert refused.value.allowed == "none of Mizzen's images holds all of these"
    assert "adds xgboost" in str(refused.value.next_step)


def test_an_image_of_ones_own_is_believed_its_bill_of_materials(project: Path) -> None:
    (project / "model.py").write_text("import xgboost\n\ndef fit(): ...\n")
    imports = imports_of_steps(project, load_project(project))
    plan = Plan("p", (task("train", "acme/steps:7", "pandas"),))
    parts = [{"name": name, "purl": f"pkg:pypi/{name}@1"} for name in ("pandas", "xgboost")]
    check(plan, imports, {"acme/steps:7": read_sbom("acme/steps:7", _bill(parts))})
    with pytest.raises(MissingDependencyError, match="acme/steps:7 lacks"):
        check(plan, imports, {"acme/steps:7": read_sbom("acme/steps:7", _bill(parts[:1]))})


def test_an_image_of_which_nothing_is_known_is_not_refused(project: Path) -> None:
    (project / "model.py").write_text("import xgboost\n\ndef fit(): ...\n")
    imports = imports_of_steps(project, load_project(project))
    check(Plan("p", (task("train", "acme/steps:7", "torch"),)), imports)
    assert contents_of("acme/steps:7") is None


def test_a_file_that_is_no_bill_of_materials_is_refused() -> None:
    with pytest.raises(UserError, match="cannot be read"):
        read_sbom("acme/steps:7", "[]")


@pytest.mark.parametrize("known_as", ["mizzen/core:1", "r.example:5000/team/mizzen/core@sha256:0a"])
def test_our_images_are_known_in_every_registry(known_as: str) -> None:
    assert contents_of(known_as) == declared()["core"]


def test_what_the_project_imports_is_followed_through_its_files(project: Path) -> None:
    (project / "model.py").write_text("from parts.net import Net\n\ndef fit(): ...\n")
    (project / "parts").mkdir()
    (project / "parts" / "net.py").write_text("from . import deep\nimport json, mizzen\n")
    (project / "parts" / "deep.py").write_text("def layer():\n    import torch.nn\n")
    imports = imports_of_steps(project, load_project(project))
    assert imports["train"] == {"torch": "parts/deep.py:2"}
    assert imports["evaluate"] == imports["train"]
    assert imports["snapshot"] == {"pandas": "data.py:1"}


def test_what_the_project_can_do_without_is_no_need(project: Path) -> None:
    (project / "model.py").write_text(
        "from typing import TYPE_CHECKING\n"
        "try:\n    import cupy\nexcept ImportError:\n    cupy = None\n"
        "if TYPE_CHECKING:\n    import polars\n"
        "def fit(): ...\n"
    )
    assert imports_of_steps(project, load_project(project))["train"] == {}


@pytest.mark.parametrize("name", ["flights", "digits", "diabetes"])
def test_the_examples_find_in_our_images_what_they_import(name: str, tmp_path: Path) -> None:
    from mizzen_pipelines.compile import plan

    spec = load_project(EXAMPLES / name)
    found = plan(spec, "training", tmp_path)
    check(found, imports_of_steps(EXAMPLES / name, spec))


@pytest.mark.parametrize("file", sorted(COMPILED.glob("*.yaml")), ids=lambda file: file.stem)
def test_what_a_compiled_command_imports_is_in_the_image_that_it_names(file: Path) -> None:
    for executor in parse(file.read_text())["deploymentSpec"]["executors"].values():
        image = contents_of(executor["container"]["image"])
        assert image is not None
        needed = _imported(executor["container"]["command"])
        assert "kfp" in needed
        assert needed <= image.modules


def _imported(command: list[str]) -> set[str]:
    """Top-level modules that the shell's `-m`, and the component's source, ask for."""
    _, _, script, source = command
    started = set(re.findall(r"-m (\w+)", script))
    nodes = list(ast.walk(ast.parse(source)))
    plain = {name.name for n in nodes if isinstance(n, ast.Import) for name in n.names}
    parts = {n.module or "" for n in nodes if isinstance(n, ast.ImportFrom)}
    top = {name.partition(".")[0] for name in started | plain | parts}
    return top - set(sys.stdlib_module_names) - {"mizzen_components"}


def _bill(parts: list[dict[str, str]]) -> str:
    return json.dumps({"bomFormat": "CycloneDX", "components": parts})
