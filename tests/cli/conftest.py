from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Mizzen = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def mizzen(tmp_path: Path) -> Mizzen:
    """Runs the command in the test's folder, as a user does."""

    def run(*words: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "mizzen", *words],
            cwd=cwd or tmp_path,
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )

    return run


@pytest.fixture
def answer(mizzen: Mizzen) -> Callable[..., Any]:
    """The command's JSON document."""

    def run(*words: str, cwd: Path | None = None) -> Any:
        done = mizzen(*words, "--json", cwd=cwd)
        assert done.returncode == 0, done.stdout + done.stderr
        return json.loads(done.stdout)

    return run


@pytest.fixture
def shop(mizzen: Mizzen, tmp_path: Path) -> Path:
    """A new project in a folder with a space, on free ports and without pages of runs."""
    assert mizzen("init", "my projects/shop").returncode == 0
    folder = tmp_path / "my projects" / "shop"
    (folder / "profiles" / "local.yaml").write_text(
        "apiVersion: mizzen.dev/v1\nkind: Profile\n"
        "tracking: {runs: false, port: 0}\nserving: {port: 0}\n"
    )
    return folder
