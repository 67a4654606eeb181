"""Runs and their steps appear in MLflow with no code in the steps."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from tiny_plans import judged

from mizzen.control.request import RunRequest
from mizzen.control.submit import carry_out, write_down
from mizzen.control.workspace import Workspace, open_workspace


@pytest.mark.slow
def test_a_run_and_its_steps_have_pages_with_figures_and_states(workspace: Workspace) -> None:
    (workspace.folder / "profiles" / "local.yaml").unlink()
    tracked = open_workspace(workspace.folder)
    plan = judged(blessed=False)
    run = carry_out(write_down(tracked, RunRequest(title="a title"), plan, {}, datetime.now(UTC)))

    from mizzen.adapters.mlflow.connection import connect

    client = connect(tracked.place)
    experiment = client.get_experiment_by_name("shop")
    assert experiment is not None
    pages = {page.info.run_name: page for page in client.search_runs([experiment.experiment_id])}
    assert set(pages) == {"a title", "evaluate"}
    assert pages["a title"].data.tags["mizzen.run_id"] == run.id
    assert pages["a title"].info.status == "FINISHED"
    assert pages["evaluate"].data.metrics["value"] == 0.8
    assert pages["evaluate"].data.tags["mizzen.state"] == "succeeded"
