"""The core installs alone, at its lowest versions too, and says what a missing part needs."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
INSTALL = ROOT / "requirements" / "install.sh"


def environment(folder: Path, *options: str) -> Path:
    """A virtual environment with the core and no extra; `uv` resolves it from pyproject."""
    uv = Path(sys.executable).with_name("uv")
    if not uv.exists():
        pytest.skip("uv is not beside this Python; make setup puts it there")
    subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
    (folder / "bin/uv").symlink_to(uv)
    core = folder / "core.txt"
    core.write_text(f"{ROOT}\n")
    subprocess.run([str(INSTALL), str(folder), str(core), *options], check=True, cwd=ROOT)
    return folder / "bin"


@pytest.mark.slow
@pytest.mark.parametrize("options", [(), ("--resolution", "lowest-direct")], ids=["new", "lowest"])
def test_the_core_alone_checks_a_project(tmp_path: Path, options: tuple[str, ...]) -> None:
    programs = environment(tmp_path / "environment", *options)
    mizzen = [str(programs / "mizzen")]
    subprocess.run([*mizzen, "init", "sales"], cwd=tmp_path, check=True)
    subprocess.run([*mizzen, "check"], cwd=tmp_path / "sales", check=True)


@pytest.mark.slow
def test_a_missing_library_is_an_error_with_its_install_command(tmp_path: Path) -> None:
    programs = environment(tmp_path / "environment")
    data = "from mizzen.adapters.backends import load_backend; load_backend('data_versions', 'dvc')"
    load = "from mizzen.adapters.backends import load_backend; load_backend('framework', 'torch')"
    for statement in (data, load):
        done = subprocess.run(
            [str(programs / "python"), "-c", statement], capture_output=True, text=True, check=False
        )
        assert "MissingDependencyError" in done.stderr
        assert "pip install 'mizzen[" in done.stderr
