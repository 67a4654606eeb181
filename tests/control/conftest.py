from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from mizzen.control.backends import registry_of
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


@pytest.fixture(scope="module")
def registered(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home whose registry holds three versions of `shop`; made once, copied by tests."""
    folder = create(tmp_path_factory.mktemp("registered") / "shop")
    workspace = open_workspace(folder)
    registry = registry_of(workspace)
    for number in (1, 2, 3):
        package = folder / f"package-{number}"
        package.mkdir()
        text = workspace.spec.model_dump_json(by_alias=True)
        (package / "project.json").write_text(text, encoding="utf-8")
        (package / "weights.txt").write_text(str(number))
        assert registry.register("shop", package, f"run-{number}", {}, {}, {}) == number
    return workspace.place.home
