"""checkov over both charts with everything on: what it finds is listed with a reason, or fixed.

It is kept apart from the project's environment (it pins a hundred libraries of its own).
"""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from ..rendering import CHARTS, Helm

VERSION = "3.3.30"
EXCEPTIONS = CHARTS / "checkov.yaml"
Fault = tuple[str, str, str]


@pytest.mark.slow
def test_checkov_finds_what_is_excepted_and_nothing_else(
    checkov: Path,
    platform: Helm,
    model: Helm,
    all_on: dict[str, Any],
    everything: dict[str, Any],
    tmp_path: Path,
) -> None:
    for name, objects in {
        "platform": platform.render(all_on),
        "model": model.render(everything),
    }.items():
        (tmp_path / f"{name}.yaml").write_text(yaml.safe_dump_all(objects))
    found = failed(checkov, tmp_path)
    excepted = yaml.safe_load(EXCEPTIONS.read_text())
    assert [fault for fault in found if not explained(fault, excepted)] == []
    assert {check for check, _, _ in found} == set(excepted), "one is no longer needed"
    assert all(exception["reason"].strip() for exception in excepted.values())


def explained(fault: Fault, excepted: dict[str, Any]) -> bool:
    check, resource, _ = fault
    return check in excepted and resource in excepted[check].get("only", [resource])


def failed(checkov: Path, folder: Path) -> list[Fault]:
    """Each check that failed, on what, and what it says."""
    how = ["--framework=kubernetes", "--skip-download", "--output=json", "--quiet", "--soft-fail"]
    command = [str(checkov), f"--directory={folder}", *how]
    done = subprocess.run(
        command, capture_output=True, text=True, check=True, timeout=300, cwd=folder
    )
    report = json.loads(done.stdout)
    assert report["summary"]["passed"] > 100, "checkov looked at nothing"
    assert report["summary"]["parsing_errors"] == 0
    return [
        (check["check_id"], check["resource"], check["check_name"])
        for check in report["results"]["failed_checks"]
    ]


@pytest.fixture(scope="session")
def checkov() -> Path:
    """In an environment of its own beside the cluster's parts, made once."""
    from testnode import places

    place = places.cache() / f"checkov-{VERSION}"
    program = place / "bin" / "checkov"
    if not program.exists():
        try:
            run("uv", "venv", "--quiet", "--clear", str(place))
            asked = ["--quiet", "--python", str(place), f"checkov=={VERSION}"]
            run("uv", "pip", "install", *asked)
        except (OSError, subprocess.SubprocessError) as error:
            if os.environ.get("MIZZEN_CI_STRICT") == "1":
                pytest.fail(f"checkov cannot be had: {error}", pytrace=False)
            pytest.skip(f"checkov cannot be had: {error}")
    return program


def run(program: str, *words: str) -> None:
    import sys

    found = Path(sys.executable).with_name(program)
    command = [str(found) if found.exists() else program, *words]
    subprocess.run(command, check=True, capture_output=True, timeout=300)
