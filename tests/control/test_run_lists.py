"""Lists of runs answer a data scientist: what each measured, the verdict, what it had changed."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pandas as pd
import pytest
from tiny_plans import judged, reported
from typer.testing import CliRunner

from mizzen.cli.app import app
from mizzen.cli.show import run_rows
from mizzen.control.runs.submit import PreparedRun, execute, prepare_resume
from mizzen.control.workspace import Workspace
from mizzen.core.plan import Constant
from mizzen.core.runs import RunState
from mizzen.errors import InvalidProject, UserError
from mizzen.project import Project
from mizzen.state.records import Evaluation, RunRecord, to_jsonable
from mizzen_tests.driving import change_run

NOW = datetime(2026, 1, 2, tzinfo=UTC)
Make = Callable[..., PreparedRun]


def measured(
    workspace: Workspace,
    name: str,
    metrics: Mapping[str, float | None] | None,
    *,
    blessed: bool = False,
    **values: Any,
) -> None:
    """A run in the state that measured this; the later in a test, the newer."""
    number = len(workspace.state.runs.newest_first("shop"))
    found = None
    if metrics is not None:
        value = metrics.get("roc_auc")
        found = Evaluation("roc_auc", value, None, blessed, "why", metrics)
    workspace.state.runs.add(
        RunRecord(
            id=name,
            project="shop",
            kind="training",
            title=name,
            state=values.pop("state", RunState.SUCCEEDED),
            trigger="person",
            arguments={},
            plan="",
            code="",
            folder=str(workspace.runs / name),
            created_at=NOW + timedelta(minutes=number),
            evaluation=found,
            **values,
        ),
        "",
    )


@pytest.fixture
def listed(workspace: Workspace) -> Project:
    """Four runs that ended in every way, oldest first."""
    measured(workspace, "first", {"roc_auc": 0.7, "log_loss": 0.5}, blessed=True, version=1)
    workspace.state.models.register("shop", "first", 1)
    changed = {"trainer.parameters.num_iterations": 1}
    measured(workspace, "held", {"roc_auc": 0.6, "log_loss": 0.4}, overrides=changed)
    measured(workspace, "again", {"roc_auc": 0.7, "log_loss": 0.5}, blessed=True, version=1)
    measured(workspace, "broken", None, state=RunState.FAILED)
    return Project(workspace)


def ids(project: Project, **wanted: Any) -> list[str]:
    return [run.id for run in project.runs(**wanted)]


def test_a_list_shows_metric_verdict_and_what_a_run_changed(listed: Project) -> None:
    broken, again, held, first = run_rows(listed.runs())
    assert first[6:] == ("roc_auc 0.7", "blessed", 1, "")
    assert held[6:] == ("roc_auc 0.6", "held", None, "trainer.parameters.num_iterations=1")
    assert again[6:] == ("roc_auc 0.7", "same as version 1", 1, "")
    assert broken[6:] == (None, None, None, "")
    document = to_jsonable(listed.runs()[2])
    assert document["overrides"] == {"trainer.parameters.num_iterations": 1}
    assert (document["metric"], document["value"], document["verdict"]) == ("roc_auc", 0.6, "held")
    assert document["evaluation"]["metrics"] == {"roc_auc": 0.6, "log_loss": 0.4}


def test_the_best_come_first_by_the_direction_of_their_metric(listed: Project) -> None:
    assert ids(listed, sort="roc_auc") == ["again", "first", "held", "broken"]
    assert ids(listed, sort="log_loss") == ["held", "again", "first", "broken"]
    assert ids(listed, best=2) == ["again", "first"]
    assert ids(listed, best=1, sort="log_loss") == ["held"]


def test_a_run_without_the_metric_comes_last_and_says_so(listed: Project) -> None:
    measured(listed.workspace, "undefined", {"roc_auc": None, "log_loss": 0.1})
    found = listed.runs(sort="roc_auc")
    assert [run.id for run in found] == ["again", "first", "held", "undefined", "broken"]
    assert [row[6] for row in run_rows(found)][-2:] == ["no roc_auc", "no roc_auc"]
    assert {row[6] for row in run_rows(listed.runs(sort="brier"))} == {"no brier"}


def test_a_version_that_is_blessed_later_stays_the_model_of_its_first_run(
    listed: Project,
) -> None:
    models = listed.workspace.state.models
    models.register("shop", "held", 2)
    change_run(listed.workspace.state, "held", version=2)
    measured(listed.workspace, "later", {"roc_auc": 0.6}, blessed=True, version=2)
    models.register("shop", "later", 2)
    verdicts = {run.id: run.verdict for run in listed.runs()}
    assert (verdicts["held"], verdicts["later"]) == ("held", "same")


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ({"verdict": "held"}, ["held"]),
        ({"verdict": "same"}, ["again"]),
        ({"verdict": "blessed"}, ["first"]),
        ({"state": "failed"}, ["broken"]),
        ({"state": "succeeded", "limit": 2}, ["again", "held"]),
        ({"state": "succeeded", "best": 1, "verdict": "held"}, ["held"]),
    ],
)
def test_a_list_is_filtered_before_it_is_cut(
    listed: Project, wanted: dict[str, Any], found: list[str]
) -> None:
    assert ids(listed, **wanted) == found


def test_a_notebook_makes_a_table_of_it(listed: Project) -> None:
    table = pd.DataFrame(listed.runs(best=2, sort="roc_auc"))
    assert list(table["value"]) == [0.7, 0.7]
    assert list(table["verdict"]) == ["same", "blessed"]


def test_what_cannot_be_sorted_or_filtered_by_is_refused_with_what_can(listed: Project) -> None:
    with pytest.raises(InvalidProject, match="roc_auc, average_precision") as refused:
        listed.runs(sort="rmse")
    assert "sort by one of these" in str(refused.value)
    with pytest.raises(InvalidProject, match="did you mean 'roc_auc'"):
        listed.runs(sort="roc_acu")
    with pytest.raises(UserError, match="queued, running, succeeded"):
        listed.runs(state="done")
    with pytest.raises(UserError, match="blessed, held, same"):
        listed.runs(verdict="good")
    with pytest.raises(UserError, match="1 or more"):
        listed.runs(best=0)


def test_the_command_answers_people_and_programs(
    listed: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(listed.folder)
    words = ["runs", "list", "--sort", "log_loss", "--best", "2"]
    shown = CliRunner().invoke(app, words)
    assert shown.exit_code == 0, shown.output
    assert [line.split()[0] for line in shown.stdout.splitlines()] == ["run", "held", "again"]
    assert "log_loss 0.4" in shown.stdout
    told = json.loads(CliRunner().invoke(app, [*words, "--state", "failed", "--json"]).stdout)
    assert [(run["id"], run["value"]) for run in told["runs"]] == [("broken", None)]
    refused = CliRunner().invoke(app, ["runs", "list", "--sort", "auc"])
    assert refused.exit_code == 3
    assert "allowed: roc_auc" in refused.output


def test_a_run_keeps_every_metric_and_its_overrides_also_when_it_is_cached(
    workspace: Workspace, write: Make
) -> None:
    plan, changed = reported('{"roc_auc": 0.8, "log_loss": null}'), {"gate.margin": 0.5}
    runs = [execute(write(plan, overrides=changed)) for _ in range(2)]
    for run in runs:
        found = workspace.state.runs.get("shop", run.id)
        assert found.overrides == changed
        assert found.evaluation == Evaluation(
            "roc_auc", 0.8, 0.5, False, "not better", {"roc_auc": 0.8, "log_loss": None}
        )
    assert [run.value for run in Project(workspace).runs(sort="roc_auc")] == [0.8, 0.8]


def test_a_run_that_fails_after_its_evaluation_still_shows_it(
    workspace: Workspace, write: Make
) -> None:
    plan = judged(blessed=True)
    register = replace(plan.tasks[1], step="tiny_steps:fail", inputs={"unless": Constant("/no")})
    failed = execute(write(replace(plan, tasks=(plan.tasks[0], register))))
    (shown,) = Project(workspace).runs(state="failed")
    assert (shown.id, shown.value, shown.verdict) == (failed.id, 0.8, "blessed")
    assert prepare_resume(workspace, failed.id).run.evaluation == shown.evaluation
