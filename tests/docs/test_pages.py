"""What the pages say is true: commands run, links lead somewhere."""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from mizzen.control.check import check
from mizzen.control.workspace import open_workspace

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "platform" / "mizzen"
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])

_spec = importlib.util.spec_from_file_location("console", Path(__file__).with_name("console.py"))
assert _spec is not None and _spec.loader is not None
console = importlib.util.module_from_spec(_spec)
sys.modules["console"] = console
_spec.loader.exec_module(console)

# Pages with a console block are followed; a bash block is shown only.
FOLLOWED = [page for page in PAGES if console.steps(page) and "docs" in page.parts]


def name(page: Path) -> str:
    return str(page.relative_to(ROOT))


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """Where a page is followed; what it started is stopped, wherever the page ended."""
    yield tmp_path
    for project in tmp_path.rglob("mizzen.yaml"):
        command = [sys.executable, "-m", "mizzen", "down", "--project", str(project.parent)]
        subprocess.run(command, check=False, capture_output=True)


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_every_link_of_a_page_leads_to_a_file(page: Path) -> None:
    missing = [str(target) for target in console.links(page) if not target.exists()]
    assert missing == []


@pytest.mark.slow
@pytest.mark.parametrize("page", FOLLOWED, ids=name)
def test_a_page_works_as_written(page: Path, folder: Path) -> None:
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    console.follow(page, folder, {"PATH": path, "COLUMNS": "100", "NO_COLOR": "1"})


STUBS = {
    "data.py": "def load():\n    raise NotImplementedError\n",
    "features.py": "def origin_weather(tables):\n    raise NotImplementedError\n",
    "model.py": "def build(inputs):\n    raise NotImplementedError\n",
}


def test_the_first_example_of_the_readme_checks(tmp_path: Path) -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    example = text.split("```yaml\n", 1)[1].split("```", 1)[0]
    for file, content in {"mizzen.yaml": example, **STUBS}.items():
        (tmp_path / file).write_text(content, encoding="utf-8")
    found = check(open_workspace(tmp_path))
    assert [finding for finding in found if finding.level == "error"] == []


ROOMS = (
    "charts/*",
    "components/*",
    "monitoring/*",
    "serving/*",
    "pipelines/*",
    "platform/mizzen/*",
)


def test_the_architecture_names_every_room_and_none_that_is_not_there() -> None:
    page = (ROOT / "docs" / "architecture.md").read_text()
    paths = re.findall(r"`([a-z][\w./-]*/[\w./-]*)`", page)
    missing = [p for p in paths if not any((r / p).exists() for r in (ROOT, PACKAGE))]
    assert missing == []
    rooms = {path.name for pattern in ROOMS for path in ROOT.glob(pattern) if is_room(path)}
    assert {room for room in rooms if room not in page} == set()


def is_room(path: Path) -> bool:
    """A folder with something of ours, not what a run left there."""
    return path.is_dir() and not path.name.startswith(("__", "."))
