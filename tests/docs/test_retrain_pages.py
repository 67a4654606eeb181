"""The pages about retraining by events and by the clock: what they show is done as it stands."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from mizzen.control.check.schedule import check_schedule
from mizzen.control.monitoring.triggers import answer_requests
from mizzen.control.scaffold import create
from mizzen.control.workspace import Workspace, open_workspace
from mizzen.spec.operation import Retraining
from mizzen_tests.api_server import TOKEN, ApiServer

HOW_TO = Path(__file__).resolve().parents[2] / "docs" / "how-to"
MERGE, SCHEDULE = HOW_TO / "retrain-on-merge.md", HOW_TO / "retrain-on-a-schedule.md"
COMMIT = "3f9c2d1b7a6f5e4d3c2b1a090b2d6c0f4b2e9c8b"
Step = Callable[[str], str]


def blocks(page: Path) -> list[Any]:
    """The YAML of a page, as GitHub and Mizzen read it."""
    texts = re.findall(r"^```yaml\n(.*?)^```", page.read_text(), re.M | re.S)
    return [yaml.safe_load(text) for text in texts]


def with_retraining(folder: Path, section: Mapping[str, Any]) -> Workspace:
    file = folder / "mizzen.yaml"
    described = yaml.safe_load(file.read_text()) | section
    file.write_text(yaml.safe_dump(described))
    return open_workspace(folder)


@pytest.fixture
def workspace(api: ApiServer, tmp_path: Path) -> Workspace:
    """A project behind a control API, with the page's section."""
    folder = create(tmp_path / "shop")
    profile = "apiVersion: mizzen.dev/v1\nkind: Profile\n"
    (folder / "profiles" / "local.yaml").write_text(f"{profile}control: {{url: {api.address}}}\n")
    found = with_retraining(folder, blocks(MERGE)[0])
    found.state.projects.ensure("shop", str(folder), datetime.now(UTC))
    return found


@pytest.fixture
def step(api: ApiServer, tmp_path: Path) -> Step:
    """Runs a step of the page's workflow as GitHub does, and returns what it prints."""
    job = blocks(MERGE)[1]["jobs"]["retrain"]
    values = {"vars.MIZZEN_URL": api.address, "secrets.MIZZEN_API_TOKEN": TOKEN}
    filled = {
        name: re.sub(r"\$\{\{ (\S+) \}\}", lambda found: values[found[1]], text)
        for name, text in job["env"].items()
    }
    commands = {each["name"]: each["run"] for each in job["steps"]}

    def run(name: str) -> str:
        done = subprocess.run(
            ["bash", "-e", "-c", commands[name]],
            cwd=tmp_path,
            env=os.environ | filled | {"GITHUB_SHA": COMMIT},
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    return run


def test_the_workflow_of_the_page_asks_once_for_each_merge_and_shows_the_decision(
    workspace: Workspace, step: Step
) -> None:
    assert '"state":"waiting"' in step("Ask for a retraining")
    assert step("Ask for a retraining") == step("Ask for a retraining")  # CI retries
    (asked,) = workspace.state.triggers.requests("shop", 10)
    assert (asked.key, asked.cause, asked.state) == (COMMIT, "merge", "waiting")

    answered = answer_requests(held(workspace), datetime.now(UTC) + timedelta(minutes=5))
    assert [(a.decision.trigger_id, a.decision.rule) for a in answered] == [(COMMIT, "cause")]
    told = step("Wait for the decision")
    assert '"state":"decided"' in told
    assert '"rule":"cause"' in told


def held(workspace: Workspace) -> Workspace:
    """The same project as it was before the page's section: the guard refuses merges."""
    return with_retraining(workspace.folder, {"retraining": {"triggers": ["drift"]}})


def test_the_sections_of_the_pages_are_described_as_they_stand(tmp_path: Path) -> None:
    assert Retraining.model_validate(blocks(MERGE)[0]["retraining"]).triggers == ("drift", "merge")
    workspace = with_retraining(create(tmp_path / "shop"), blocks(SCHEDULE)[0])
    found = check_schedule(workspace.spec, datetime(2026, 11, 28, 12, tzinfo=UTC))
    assert [(finding.level, finding.message) for finding in found] == [
        ("ok", "the next start is 2026-11-30T03:00:00+01:00")
    ]
    assert "schedule-2026-11-30T02:00:00Z" in SCHEDULE.read_text()
