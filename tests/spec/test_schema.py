"""The committed JSON Schemas are what the models say."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

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
