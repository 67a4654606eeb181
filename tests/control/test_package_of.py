"""A version's package is fetched by a process of its own; its error arrives whole."""

from __future__ import annotations

import shutil

import pytest

from mizzen.adapters.files.model_folder import write_manifest
from mizzen.control.backends import registry_of
from mizzen.control.stack.serving import package_of
from mizzen.control.workspace import Workspace
from mizzen.core.encoding import Encoder
from mizzen.core.manifest import Manifest
from mizzen.errors import IntegrityError, NotFound


def test_a_package_that_is_gone_is_no_error_to_try_again(workspace: Workspace) -> None:
    package = workspace.folder / "package"
    package.mkdir()
    text = workspace.spec.model_dump_json(by_alias=True)
    (package / "project.json").write_text(text, encoding="utf-8")
    write_manifest(package, Manifest("lightgbm", "binary"), Encoder((), ()))
    registry_of(workspace).register("shop", package, "run-1", {}, {}, {})
    home = workspace.place.home
    assert (package_of(workspace, 1) / "project.json").exists()
    for kept in ("mlartifacts", "packages"):
        shutil.rmtree(home / kept)
    with pytest.raises(IntegrityError, match="shop version 1 is gone") as caught:
        package_of(workspace, 1)
    assert not caught.value.retryable
    assert str(caught.value).count("given: ") == 1
    assert "restore" in str(caught.value.next_step)
    with pytest.raises(NotFound, match="no version 2"):
        package_of(workspace, 2)
