"""The notebook submits, watches and compares runs as it says, and is kept without outputs."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOK = ROOT / "docs/tutorials/compare-runs.ipynb"
EXAMPLE = ROOT / "pipelines/examples/diabetes"
SECONDS = 540


def cells() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]
    return [cell for cell in found if cell["cell_type"] == "code"]


def test_the_notebook_is_kept_without_outputs() -> None:
    assert [cell["outputs"] for cell in cells()] == [[] for _ in cells()]
    assert {cell["execution_count"] for cell in cells()} == {None}


@pytest.mark.slow
def test_the_notebook_works_as_written(tmp_path: Path) -> None:
    import nbformat
    from nbclient import NotebookClient

    project = tmp_path / "a copy"
    shutil.copytree(EXAMPLE, project, ignore=shutil.ignore_patterns(".mizzen", "__pycache__"))
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    client = NotebookClient(
        notebook, timeout=SECONDS, resources={"metadata": {"path": str(project)}}
    )
    client.execute()
    shown = {cell["id"]: str(cell.get("outputs", "")) for cell in notebook.cells}
    told = "".join(shown.values())
    assert "register     succeeded" in told
    assert "trainer.parameters.learning_rate" in told
    assert "Promotion(" in told
