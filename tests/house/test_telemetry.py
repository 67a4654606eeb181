"""Nothing about its use leaves the machine: no step asks for an address outside it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
GUARD = Path(__file__).parent / "guard"


@pytest.fixture
def watched(tmp_path: Path) -> dict[str, str]:
    """The environment of a process whose outgoing addresses are written down."""
    path = os.pathsep.join([str(GUARD), *filter(None, [os.environ.get("PYTHONPATH")])])
    return {
        **os.environ,
        "PYTHONPATH": path,
        "MIZZEN_TEST_ADDRESSES": str(tmp_path / "addresses"),
        "HOME": str(tmp_path),
    }


def addresses(environment: dict[str, str]) -> str:
    file = Path(environment["MIZZEN_TEST_ADDRESSES"])
    return file.read_text() if file.exists() else ""


def test_the_guard_sees_an_address(watched: dict[str, str]) -> None:
    code = "import socket\ntry: socket.getaddrinfo('usage.invalid', 443)\nexcept OSError: pass"
    subprocess.run([sys.executable, "-c", code], env=watched, check=True)
    assert "usage.invalid" in addresses(watched)


@pytest.mark.slow
def test_a_whole_training_run_asks_for_no_address_outside(
    watched: dict[str, str], tmp_path: Path
) -> None:
    project = tmp_path / "diabetes"
    shutil.copytree(
        ROOT / "pipelines/examples/diabetes", project, ignore=shutil.ignore_patterns(".mizzen")
    )
    command = [sys.executable, "-m", "mizzen", "run", "--project", str(project), "--json"]
    done = subprocess.run(command, env=watched, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert addresses(watched) == ""
