"""Every KFP component says what its plain function says: same inputs, outputs and figures."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from pathlib import Path
from types import UnionType
from typing import Any, get_args, get_type_hints

import pytest

import mizzen_components.kfp_components

MODULES = sorted({m.name for m in pkgutil.iter_modules(mizzen_components.kfp_components.__path__)})
STEPS = [name for name in MODULES if name != "image"]
KINDS = {
    str: "String",
    int: "Integer",
    float: "Float",
    bool: "Boolean",
    dict[str, Any]: "Dict",
    list[Any]: "List",
}


def component(step: str) -> Any:
    return getattr(importlib.import_module(f"mizzen_components.kfp_components.{step}"), step)


def plain(step: str) -> Any:
    return importlib.import_module(f"mizzen_components.{step}").run


def kind(annotation: Any) -> str:
    if annotation in (Path, Path | None):
        return "artifact"
    if isinstance(annotation, UnionType):  # None is NaN to KFP
        annotation, _ = get_args(annotation)
    origin = getattr(annotation, "__origin__", annotation)
    return {**KINDS, dict: "Dict", list: "List"}[origin if origin in {dict, list} else annotation]


def declared(kfp_type: str) -> str:
    return "artifact" if "@" in kfp_type else kfp_type.partition("[")[0]


def test_there_is_a_component_for_every_step_of_our_pipelines() -> None:
    assert STEPS == [
        "baseline",
        "evaluate",
        "features",
        "predict",
        "preprocess",
        "register",
        "snapshot",
        "train",
        "validate",
    ]


@pytest.mark.parametrize("step", STEPS)
def test_a_component_takes_and_makes_what_its_function_does(step: str) -> None:
    spec, run = component(step).component_spec, plain(step)
    parameters = inspect.signature(run).parameters
    assert {p.kind for p in parameters.values()} == {inspect.Parameter.KEYWORD_ONLY}
    hints = get_type_hints(run)
    figures = hints.pop("return")
    outputs = spec.outputs or {}
    made = {name for name, output in outputs.items() if "@" in output.type}
    shown = {name: declared(given.type) for name, given in spec.inputs.items()}
    assert shown | dict.fromkeys(made, "artifact") == {
        name: kind(hint) for name, hint in hints.items()
    }
    assert {n: declared(o.type) for n, o in outputs.items() if n not in made} == {
        name: kind(hint) for name, hint in get_type_hints(figures).items()
    }


@pytest.mark.parametrize("step", STEPS)
def test_a_function_asks_for_nothing_that_a_pipeline_does_not_give(step: str) -> None:
    required = {
        name
        for name, parameter in inspect.signature(plain(step)).parameters.items()
        if parameter.default is inspect.Parameter.empty
    }
    spec = component(step).component_spec
    assert required <= {*spec.inputs, *spec.outputs}


def test_the_entry_calls_with_paths_and_whole_numbers(tmp_path: Path) -> None:
    from mizzen_components.kfp_entrypoint import call

    class Artifact:
        uri = path = str(tmp_path / "x")

    def run(**arguments: Any) -> dict[str, Any]:
        return arguments

    module = type(inspect)("step_of_a_test")
    module.run = run  # type: ignore[attr-defined]
    import sys

    sys.modules["step_of_a_test"] = module
    got = call(
        "step_of_a_test:run", {"frame": Artifact(), "trainer": {"leaves": 63.0, "rate": [0.5]}}
    )
    assert got == {"frame": tmp_path / "x", "trainer": {"leaves": 63, "rate": [0.5]}}
    assert isinstance(got["trainer"]["leaves"], int)
