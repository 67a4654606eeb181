"""What stops a run before it starts: windows, machines; and what is noted about the commit."""

from __future__ import annotations

import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from mizzen.control.runs.preflight import Machine, check_resources
from mizzen.control.runs.request import RunRequest
from mizzen.control.runs.revision import Revision, revision_of
from mizzen.control.runs.submit import prepare
from mizzen.control.timestamps import canonical, parse, window
from mizzen.control.workspace import Workspace
from mizzen.errors import InvalidProject, Unsupported, UserError
from mizzen.spec.training import Resources

NOW = datetime(2026, 1, 2, tzinfo=UTC)


def test_equal_instants_are_equal_text() -> None:
    assert canonical(parse("2013-06-01T00:00:00-04:00", "x")) == "2013-06-01T04:00:00+00:00"
    assert canonical(parse("2013-06-01", "x")) == "2013-06-01T00:00:00+00:00"
    assert canonical(None) == ""


@pytest.mark.parametrize(
    "text", ["yesterday", "2013-06-01T00:00:00", "2013-13-01", "", "0001-01-01T00:00:00+14:00"]
)
def test_an_instant_without_a_zone_is_refused(text: str) -> None:
    with pytest.raises(UserError, match="--from"):
        parse(text, "--from")


def test_a_window_that_holds_nothing_is_refused() -> None:
    with pytest.raises(UserError, match="holds nothing"):
        window("2013-06-02", "2013-06-01")


def test_a_window_needs_rows_with_a_time(workspace: Workspace) -> None:
    untimed = {"data.event_time": None, "split": {"by": "key", "test": 0.2}}
    with pytest.raises(UserError, match="rows with a time"):
        prepare(workspace, RunRequest(overrides=untimed, end=NOW), NOW)


def test_training_up_to_an_instant_that_has_not_come_is_refused(workspace: Workspace) -> None:
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    with pytest.raises(UserError, match="the window has not ended"):
        prepare(workspace, RunRequest(end=tomorrow), NOW)


@pytest.mark.parametrize(
    ("resources", "said"),
    [
        ({"nodes": 2}, "nodes: 2"),
        ({"gpu": {"count": 3}}, "gpu.count: 3"),
        ({"memory": "64Gi"}, "memory: 64Gi"),
    ],
)
def test_what_the_machine_lacks_stops_the_run(resources: dict[str, object], said: str) -> None:
    wanted = Resources.model_validate(resources)
    with pytest.raises(Unsupported, match=said):
        check_resources(wanted, Machine(memory=8 << 30, gpus=2), "local")


def test_a_wrong_override_starts_nothing(workspace: Workspace) -> None:
    with pytest.raises(InvalidProject, match="--set"):
        prepare(workspace, RunRequest(overrides={"gate.margn": 1}), NOW)
    assert not workspace.runs.exists()


def git(folder: Path, *words: str) -> None:
    identity = ["-c", "user.name=t", "-c", "user.email=t@example.org"]
    subprocess.run(["git", "-C", str(folder), *identity, *words], check=True, capture_output=True)


def test_no_repository_is_fine(tmp_path: Path) -> None:
    assert revision_of(tmp_path) == Revision("", False)


def test_a_commit_and_whether_the_project_differs_from_it(tmp_path: Path) -> None:
    project = tmp_path / "a project"
    project.mkdir()
    git(tmp_path, "init", "-q")
    assert revision_of(project) == Revision("", False)
    (project / "a.py").write_text("1")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-qm", "one")
    clean = revision_of(project)
    assert len(clean.commit) == 40
    assert not clean.dirty
    (tmp_path / "outside.txt").write_text("not the project's")
    assert not revision_of(project).dirty
    (project / "a.py").write_text("2")
    assert revision_of(project) == Revision(clean.commit, True)


def test_no_git_program_is_fine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert revision_of(tmp_path) == Revision()
