"""What the pages say is true: commands run, links lead somewhere."""

from __future__ import annotations

import importlib.util
import os
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
TUTORIALS = sorted((ROOT / "docs/tutorials").glob("*.md"))

_spec = importlib.util.spec_from_file_location("console", Path(__file__).with_name("console.py"))
assert _spec is not None and _spec.loader is not None
console = importlib.util.module_from_spec(_spec)
sys.modules["console"] = console
_spec.loader.exec_module(console)


def name(page: Path) -> str:
    return str(page.relative_to(ROOT))


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_every_link_of_a_page_leads_to_a_file(page: Path) -> None:
    missing = [str(target) for target in console.links(page) if not target.exists()]
    assert missing == []


@pytest.mark.slow
@pytest.mark.parametrize("page", TUTORIALS, ids=name)
def test_a_tutorial_works_as_written(page: Path, tmp_path: Path) -> None:
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    console.follow(page, tmp_path, {"PATH": path, "COLUMNS": "100", "NO_COLOR": "1"})
