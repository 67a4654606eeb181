"""The shape of the repository that other tools rely on."""

from __future__ import annotations

import ast
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SOURCE_ROOTS = ("platform", "pipelines", "components", "serving", "monitoring")


def tracked() -> list[Path]:
    done = subprocess.run(
        ["git", "-C", str(ROOT), "ls-files", "-z"], capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        pytest.skip("not a git checkout: what is committed cannot be listed")
    return [ROOT / name for name in done.stdout.split("\0") if name]


@pytest.mark.parametrize("root", SOURCE_ROOTS)
def test_a_source_root_is_no_package_itself(root: str) -> None:
    # platform/__init__.py would shadow the standard library's platform module
    assert not (ROOT / root / "__init__.py").exists()


def test_no_requirement_names_an_index() -> None:
    for file in (ROOT / "requirements").glob("*.txt"):
        text = file.read_text()
        assert "://" not in text, file
        assert "--index" not in text, file


def test_every_requirement_is_pinned() -> None:
    for file in (ROOT / "requirements").glob("*.txt"):
        for line in file.read_text().splitlines():
            assert re.match(r"^[A-Za-z0-9._\[\]-]+==[^ ]+", line), f"{file.name}: {line}"


def test_no_test_takes_nearly_any_error_for_the_one_that_it_means() -> None:
    """`match=` searches anywhere in the text: a word of four letters is found by chance."""
    for file in (ROOT / "tests").rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.keyword) and node.arg == "match":
                text = getattr(node.value, "value", None)
                where = f"{file.relative_to(ROOT)}:{node.value.lineno}"
                assert not isinstance(text, str) or len(text) > 4, f"{where}: match={text!r}"


def test_tests_import_packages_and_do_not_edit_the_import_path() -> None:
    """What pytest imports; a program that a test starts may, in its own process."""
    edits = re.compile(r"^\s*sys\.path\.insert", re.MULTILINE)
    files = [f for f in (ROOT / "tests").rglob("*.py") if f.stem.startswith(("test_", "conftest"))]
    assert [f.relative_to(ROOT) for f in files if edits.search(f.read_text("utf-8"))] == []


def test_files_are_locked_in_one_module() -> None:
    users = [
        file.relative_to(ROOT).as_posix()
        for root in SOURCE_ROOTS
        for file in (ROOT / root).rglob("*.py")
        if "fcntl" in file.read_text("utf-8")
    ]
    assert users == ["platform/mizzen/adapters/files/locks.py"]


def test_no_committed_file_names_a_path_of_one_machine() -> None:
    home = re.compile(rb"(/root/|/home/[a-z]+/|/Users/[A-Za-z]+/)")
    for file in tracked():
        if file.is_file() and file != Path(__file__):
            found = home.search(file.read_bytes())
            assert found is None, f"{file.relative_to(ROOT)} names {found and found.group()!r}"


def test_nothing_is_called_a_dumping_ground() -> None:
    names = {"utils", "util", "helpers", "helper", "manager", "misc", "common"}
    assert [f for f in tracked() if f.stem in names and f.suffix == ".py"] == []
