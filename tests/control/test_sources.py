"""The source digest: equal when the data is, different when anything of it changed."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from mizzen.control.runs.inputs import source_digest
from mizzen.control.workspace import Workspace
from mizzen.errors import InvalidProject


def rows(workspace: Workspace) -> Path:
    return workspace.folder / "data" / "orders.csv"


def from_python(workspace: Workspace, *inputs: str) -> Workspace:
    source: dict[str, Any] = {"python": "data:load", "inputs": list(inputs)}
    return workspace.changed({"data.source": source})


def test_nothing_changed_gives_the_same_digest(workspace: Workspace) -> None:
    assert source_digest(workspace) == source_digest(workspace)


def test_a_touched_file_is_the_same_data(workspace: Workspace) -> None:
    before = source_digest(workspace)
    os.utime(rows(workspace))
    assert source_digest(workspace) == before


def test_a_changed_byte_is_other_data_even_with_size_and_time_kept(workspace: Workspace) -> None:
    file = rows(workspace)
    os.utime(file, (1, 1))
    before, stat = source_digest(workspace), file.stat()
    file.write_bytes(file.read_bytes().replace(b"SE", b"ES", 1))
    os.utime(file, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert source_digest(workspace) != before


def test_a_new_file_of_the_glob_is_other_data(workspace: Workspace) -> None:
    before = source_digest(workspace)
    (workspace.folder / "data" / "more.csv").write_text("order_id\n")
    assert source_digest(workspace) != before


def test_a_broken_memory_only_costs_time(workspace: Workspace) -> None:
    before = source_digest(workspace)
    workspace.place.home.mkdir(exist_ok=True)
    for text in ("", "[]", "{"):
        (workspace.place.home / "digests.json").write_text(text)
        assert source_digest(workspace) == before


def test_a_package_counts_by_its_content(workspace: Workspace) -> None:
    found = source_digest(from_python(workspace, "package:pyyaml"))
    assert found != source_digest(from_python(workspace, "package:typer"))


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("nothing/*.csv", "names no file"),
        ("../*.csv", "leads out of the project"),
        ("/etc/hostname", "leads out of the project"),
        ("package:no-such-package-here", "is not installed"),
    ],
)
def test_inputs_that_cannot_be_read_are_named(workspace: Workspace, name: str, said: str) -> None:
    with pytest.raises(InvalidProject, match=said) as caught:
        source_digest(from_python(workspace, name))
    assert "data.source.inputs" in str(caught.value)


def test_a_link_out_of_the_project_is_refused(workspace: Workspace, tmp_path: Path) -> None:
    (tmp_path / "secret.csv").write_text("a")
    (workspace.folder / "data" / "link.csv").symlink_to(tmp_path / "secret.csv")
    with pytest.raises(InvalidProject, match="leads out"):
        source_digest(workspace)
