"""A project's dependencies: asked for before a run, and part of what a result depends on."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from mizzen.adapters.bundle import load_function
from mizzen.adapters.cache import key as cache_key
from mizzen.adapters.cache.key import StepKeys
from mizzen.control.check import check
from mizzen.control.check.dependencies import require
from mizzen.control.runs.request import RunRequest
from mizzen.control.runs.submit import prepare
from mizzen.control.workspace import Workspace
from mizzen.errors import InvalidProject, MissingDependencyError
from mizzen_components.train import _dependencies
from mizzen_pipelines.compile import plan
from mizzen_tests.tiny_wheel import unpack, write_wheel

NOW = datetime(2026, 1, 2, tzinfo=UTC)


def needing(workspace: Workspace, *wanted: str) -> Workspace:
    return workspace.changed({"dependencies": list(wanted)})


def installed(folder: Path, monkeypatch: pytest.MonkeyPatch, version: str) -> None:
    cache_key._version.cache_clear()
    wheel = write_wheel(folder / "wheels", version)
    monkeypatch.syspath_prepend(str(unpack(wheel, folder / version)))


def test_what_is_missing_or_of_another_version_is_reported_at_once_with_its_command(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed(tmp_path, monkeypatch, "2.1.0")
    project = needing(workspace, "tinyboost>=3", "no-such-library[x]>1", "numpy")
    with pytest.raises(MissingDependencyError) as caught:
        prepare(project, RunRequest(), NOW)
    told = str(caught.value)
    assert "no-such-library is not installed; tinyboost 2.1.0 is installed" in told
    assert "-m pip install 'no-such-library[x]>1' 'tinyboost>=3'" in told
    assert workspace.state.runs.newest_first("shop") == []
    (finding,) = (found for found in check(project) if found.level == "error")
    assert finding.subject == "dependencies"
    assert "pip install" in str(finding.next_step)


def test_what_is_installed_is_shown_with_its_version(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed(tmp_path, monkeypatch, "2.1.0")
    project = needing(workspace, "tinyboost>=2", 'nothing; python_version<"3"')
    require(project.spec)
    told = [finding.message for finding in check(project) if finding.subject == "dependencies"]
    assert told == ["tinyboost 2.1.0"]


def test_another_version_of_a_dependency_runs_the_steps_of_the_project_again(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    compiled = plan(needing(workspace, "tinyboost").spec, "training", tmp_path / "compiled")
    keys: dict[str, list[str]] = {}
    for version in ("2.1.0", "2.2.0"):
        installed(tmp_path, monkeypatch, version)
        maker = StepKeys(workspace.place)
        for task in compiled.tasks:
            keys.setdefault(task.name, []).append(maker.key(task, {}, {}))
    changed = {name for name, (before, after) in keys.items() if before != after}
    assert changed == {"snapshot", "features", "train", "evaluate"}


def test_a_model_says_with_which_versions_it_was_trained(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed(tmp_path, monkeypatch, "2.1.0")
    project = needing(workspace, "tinyboost", "numpy")
    compiled = plan(project.spec, "training", tmp_path / "compiled")
    (train,) = (task for task in compiled.tasks if task.name == "train")
    monkeypatch.setenv("MIZZEN_DEPENDENCIES", train.environment["MIZZEN_DEPENDENCIES"])
    assert _dependencies()["tinyboost"] == "2.1.0"
    assert set(_dependencies()) == {"numpy", "tinyboost"}


def test_an_image_without_a_dependency_is_named_before_a_run(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed(tmp_path, monkeypatch, "2.1.0")
    told = check(needing(workspace, "tinyboost", "scikit-learn"), with_images=True)
    (lack,) = (finding for finding in told if finding.subject == "images")
    assert lack.level == "error"
    assert "train: tinyboost" in lack.message
    assert "adds tinyboost" in str(lack.next_step)


def test_a_library_that_the_code_imports_and_nobody_names_is_warned_of(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed(tmp_path, monkeypatch, "2.1.0")
    code = "import numpy\nimport tinyboost\n\ndef fit(job): ...\ndef load(kept): ...\n"
    (workspace.folder / "own.py").write_text(code)
    own = workspace.changed({"trainer": {"kind": "python", "function": "own:fit"}})
    told = [finding.message for finding in check(own) if finding.level == "warning"]
    assert told == ["own.py:2 imports tinyboost, which `dependencies` does not name"]
    assert not [finding for finding in check(needing(own, "TinyBoost")) if finding.level != "ok"]


def test_a_library_that_is_not_named_is_told_to_be(tmp_path: Path) -> None:
    (tmp_path / "trainer.py").write_text("import no_such_library\n\ndef fit(job): ...\n")
    with pytest.raises(InvalidProject, match=r"name it in `dependencies` of mizzen.yaml"):
        load_function(tmp_path, "trainer:fit")
