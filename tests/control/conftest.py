from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from mizzen.control.runs.request import RunRequest
from mizzen.control.runs.submit import PreparedRun, write_down
from mizzen.control.scaffold import create
from mizzen.control.workspace import Workspace, open_workspace
from mizzen.core.plan import Plan

TINY = Path(__file__).parent / "tiny"


@pytest.fixture(autouse=True)
def tiny(monkeypatch: pytest.MonkeyPatch) -> Path:
    """Children find the tiny steps too."""
    monkeypatch.setenv("PYTHONPATH", str(TINY))
    return TINY


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    """A new project without runs, in a folder with a space."""
    folder = create(tmp_path / "my projects" / "shop")
    untracked = "apiVersion: mizzen.dev/v1\nkind: Profile\ntracking: {runs: false, port: 0}\n"
    (folder / "profiles" / "local.yaml").write_text(untracked + "serving: {port: 0}\n")
    return open_workspace(folder)


@pytest.fixture
def write(workspace: Workspace) -> Callable[..., PreparedRun]:
    """Writes a run of a plan down."""

    def make(plan: Plan, arguments: Mapping[str, Any] | None = None, **fields: Any) -> PreparedRun:
        request = RunRequest(**fields)
        return write_down(workspace, request, plan, arguments or {}, datetime.now(UTC))

    return make
