from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

PROJECT = """\
apiVersion: mizzen.dev/v1
kind: Project
name: sales
task: binary
data:
  source:
    path: data/*.csv
  key: [id]
  event_time: at
features:
  columns:
    - name: amount
    - name: country
      kind: category
label:
  column: bought
  delay: 7d
split:
  by: time
  test: 30d
trainer:
  kind: lightgbm
evaluation:
  metrics: [roc_auc]
"""


@pytest.fixture
def project_text() -> str:
    return PROJECT


@pytest.fixture
def write_project(tmp_path: Path) -> Callable[[str], Path]:
    """Writes mizzen.yaml with this text; returns its folder."""

    def write(text: str) -> Path:
        (tmp_path / "mizzen.yaml").write_text(text, encoding="utf-8")
        return tmp_path

    return write
