"""Two profiles of one home with different registries: each is told about the champion."""

from __future__ import annotations

import shutil
from collections.abc import Callable

from tiny_plans import judged
from tiny_registries import with_registry

from mizzen.control.backends import registry_of
from mizzen.control.models.reconcile import reconcile
from mizzen.control.runs.submit import PreparedRun, execute
from mizzen.control.workspace import Workspace


def champions(workspace: Workspace) -> list[int]:
    found = registry_of(workspace).versions("shop")
    return [version.version for version in found if "champion" in version.aliases]


def test_the_alias_of_another_registry_is_pointed_too(
    workspace: Workspace, write: Callable[..., PreparedRun]
) -> None:
    package = workspace.folder / "package"
    package.mkdir()
    text = workspace.spec.model_dump_json(by_alias=True)
    (package / "project.json").write_text(text, encoding="utf-8")
    registry_of(workspace).register("shop", package, "run-1", {}, {}, {})
    file = workspace.folder / "elsewhere.db"
    shutil.copyfile(workspace.place.home / "mlflow.db", file)
    other = with_registry(workspace, f"sqlite:///{file}")

    execute(write(judged(number=1)))
    reconcile(workspace)
    assert (champions(workspace), champions(other)) == ([1], [])
    assert reconcile(other) == ["alias champion points at version 1"]
    assert champions(other) == [1]
    assert (reconcile(workspace), reconcile(other)) == ([], [])
