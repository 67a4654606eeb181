"""Runs and their steps appear in MLflow with no code in the steps."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from tiny_plans import STEPS, judged, reported

from mizzen.control.runs.request import RunRequest
from mizzen.control.runs.submit import execute, write_down
from mizzen.control.workspace import Workspace, open_workspace
from mizzen.core.plan import Constant, Plan, Task


@pytest.mark.slow
def test_a_run_and_its_steps_have_pages_with_figures_and_states(workspace: Workspace) -> None:
    (workspace.folder / "profiles" / "local.yaml").unlink()
    tracked = open_workspace(workspace.folder)
    plan = reported('{"roc_auc": 0.8, "log_loss": 0.4}')
    request = RunRequest(title="a title", overrides={"gate.margin": 0.5})
    run = execute(write_down(tracked, request, plan, {}, datetime.now(UTC)))

    from mizzen.adapters.mlflow.connection import connect

    client = connect(tracked.place)
    experiment = client.get_experiment_by_name("shop")
    assert experiment is not None
    pages = {page.info.run_name: page for page in client.search_runs([experiment.experiment_id])}
    assert set(pages) == {"a title", "evaluate"}
    assert pages["a title"].data.tags["mizzen.run_id"] == run.id
    assert pages["a title"].info.status == "FINISHED"
    assert pages["evaluate"].data.metrics["value"] == 0.8
    measured = pages["a title"].data.metrics
    assert (measured["roc_auc"], measured["log_loss"]) == (0.8, 0.4)
    told = pages["a title"].data.params
    assert (told["trainer.kind"], told["gate.margin"]) == ("lightgbm", "0.5")
    assert told["trainer.parameters.num_iterations"] == "60"
    assert pages["evaluate"].data.tags["mizzen.state"] == "succeeded"


@pytest.mark.slow
def test_the_page_of_a_failed_run_is_closed_though_nobody_waits_for_it(
    workspace: Workspace,
) -> None:
    (workspace.folder / "profiles" / "local.yaml").unlink()
    tracked = open_workspace(workspace.folder)
    failing = Task("fail", f"{STEPS}:fail", {"unless": Constant("nowhere")}, cache=False)
    plan = Plan("tiny", (failing,), judged().arguments)
    request = RunRequest(title="a title")
    run = execute(write_down(tracked, request, plan, {}, datetime.now(UTC)))
    assert run.error is not None
    log = Path(run.folder) / "tracking.log"
    assert wait_for(lambda: page_states(tracked) == {"a title": "FAILED", "fail": "FAILED"}), (
        log.read_text()
    )


def wait_for(found: Callable[[], bool]) -> bool:
    until = time.monotonic() + 120
    while not found() and time.monotonic() < until:
        time.sleep(0.5)
    return found()


def page_states(workspace: Workspace) -> dict[str, str]:
    from mizzen.adapters.mlflow.connection import connect

    client = connect(workspace.place)
    experiment = client.get_experiment_by_name("shop")
    if experiment is None:
        return {}
    pages = client.search_runs([experiment.experiment_id])
    return {page.info.run_name: page.info.status for page in pages}
