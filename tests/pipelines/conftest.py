"""A small project description, and the plain functions that the shells wrap."""

from __future__ import annotations

from pathlib import Path

import pytest

from mizzen.spec import ProjectSpec, load_project

DESCRIPTION = """
apiVersion: mizzen.dev/v1
kind: Project
name: tiny
task: binary
data:
  source: {python: "data:rows"}
  key: [id]
expectations:
  - {expect: ExpectColumnValuesToNotBeNull, arguments: {column: a}}
features:
  columns: [{name: a}, {name: b, kind: category}]
label: {column: y}
split: {by: key, test: 0.2}
trainer:
  kind: lightgbm
  parameters: {num_leaves: 7, learning_rate: 0.1}
  retries: 2
  timeout: 10m
  resources: {cpu: 2, memory: 1Gi}
evaluation: {metrics: [auc]}
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "tiny project"
    folder.mkdir()
    (folder / "mizzen.yaml").write_text(DESCRIPTION)
    return folder


@pytest.fixture
def spec(project: Path) -> ProjectSpec:
    return load_project(project)
