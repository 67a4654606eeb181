"""The committed JSON Schemas are what the models say."""

from __future__ import annotations

import ast
import json
from pathlib import Path
from typing import get_args

import pytest
from pydantic import BaseModel

from mizzen.spec.profile import Profile
from mizzen.spec.project import ProjectSpec
from mizzen.spec.schema import FOLDER, MODELS, render, write

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("name", MODELS)
def test_the_committed_schema_is_generated(name: str) -> None:
    committed = (ROOT / FOLDER / name).read_text(encoding="utf-8")
    assert committed == render(MODELS[name]), "run: make generate"


def test_every_field_of_a_project_is_in_its_schema(tmp_path: Path) -> None:
    files = write(tmp_path)
    schema = json.loads(files[0].read_text())
    names = {field.alias or name for name, field in ProjectSpec.model_fields.items()}
    assert set(schema["properties"]) == names
    assert schema["additionalProperties"] is False


def fields_of(model: type[BaseModel], found: dict[type[BaseModel], set[str]]) -> None:
    """The fields of a section and of all sections below it."""
    if model in found:
        return
    found[model] = set(model.model_fields)
    open_types = [field.annotation for field in model.model_fields.values()]
    while open_types:
        each = open_types.pop()
        open_types += get_args(each)
        if isinstance(each, type) and issubclass(each, BaseModel):
            fields_of(each, found)


def test_there_are_no_fields_for_later() -> None:
    """Every field of `mizzen.yaml` and of a profile is read by some code."""
    read: set[str] = set()
    for root in ("platform", "pipelines", "components", "serving", "monitoring"):
        for file in (ROOT / root).rglob("*.py"):
            tree = ast.walk(ast.parse(file.read_text(encoding="utf-8")))
            read |= {node.attr for node in tree if isinstance(node, ast.Attribute)}
    found: dict[type[BaseModel], set[str]] = {}
    fields_of(ProjectSpec, found)
    fields_of(Profile, found)
    unread = {model.__name__: names - read for model, names in found.items() if names - read}
    # what a file is, which is compared when the file is read
    assert unread == {"ProjectSpec": {"api_version"}, "Profile": {"api_version"}}
