"""One commit decides who the champion is; everything else follows it, also after a kill."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from tiny_plans import judged
from tiny_registries import with_registry

from mizzen.control.backends import registry_of
from mizzen.control.models.promote import promote
from mizzen.control.models.reconcile import reconcile
from mizzen.control.runs import finalize
from mizzen.control.runs.submit import PreparedRun, execute, prepare_resume
from mizzen.control.workspace import Workspace, open_workspace
from mizzen.core.runs import RunState
from mizzen.errors import Conflict, IntegrityError, NotFound, TemporaryError, UserError
from mizzen.state.records import Evaluation, Lease

Make = Callable[..., PreparedRun]
NOW = datetime(2026, 1, 2, tzinfo=UTC)


@pytest.fixture
def shop(workspace: Workspace, registered: Path, write: Make) -> Workspace:
    """Version 1 is the champion by the gate, 2 was blessed, 3 refused."""
    shutil.copytree(registered, workspace.place.home, dirs_exist_ok=True)
    run = execute(write(judged(number=1)))
    for number, blessed in ((2, True), (3, False)):
        verdict = Evaluation("roc_auc", 0.8, 0.7, blessed, "why")
        judged_run = replace(run, id=f"judged-{number}", evaluation=verdict, champion=1)
        workspace.state.runs.add(judged_run, str(workspace.folder))
        workspace.state.models.register("shop", judged_run.id, number)
    return workspace


def alias(workspace: Workspace) -> int | None:
    for version in registry_of(workspace).versions("shop"):
        if "champion" in version.aliases:
            return version.version
    return None


def champion(workspace: Workspace) -> int | None:
    found = workspace.state.models.champion("shop")
    return None if found is None else found.version


def test_the_gate_promotes_and_the_alias_follows(shop: Workspace) -> None:
    assert champion(shop) == 1
    assert alias(shop) == 1
    history = shop.state.models.history("shop")
    assert [(p.version, p.previous, p.by) for p in history] == [(1, None, "gate")]


def test_promoting_an_older_version_is_a_rollback_in_the_history(shop: Workspace) -> None:
    silent = promote(shop, 2)
    assert silent.reason == "no reason was given; the gate said: why"
    back = promote(shop, 1, reason="version 2 is slow")
    assert back.previous == 2
    assert alias(shop) == 1
    assert [p.version for p in shop.state.models.history("shop")] == [1, 2, 1]


def test_promoting_the_champion_again_adds_nothing(shop: Workspace) -> None:
    promote(shop, 1)
    assert len(shop.state.models.history("shop")) == 1


def test_what_the_gate_held_needs_force_and_a_reason_and_the_history_says_so(
    shop: Workspace,
) -> None:
    with pytest.raises(Conflict, match=r"the gate held version 3(.|\n)*--force --reason"):
        promote(shop, 3, reason="an experiment")
    with pytest.raises(UserError, match="says why"):
        promote(shop, 3, force=True)
    assert champion(shop) == 1
    promote(shop, 3, force=True, reason="version 1 reads a column that is gone")
    promote(shop, 2, force=True, reason="blessed: nothing to force")
    history = [(p.version, p.forced, p.reason) for p in shop.state.models.history("shop")[1:]]
    assert history == [
        (3, True, "version 1 reads a column that is gone"),
        (2, False, "blessed: nothing to force"),
    ]


def test_an_unknown_version_names_the_known_ones(shop: Workspace) -> None:
    with pytest.raises(NotFound, match="1, 2, 3"):
        promote(shop, 9)


KILLED = """
import os, signal, sys
from pathlib import Path
from mizzen.control.workspace import open_workspace
workspace = open_workspace(Path(sys.argv[1]))
workspace.state.models.promote("shop", 2, reason="better")
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_kill_between_the_commit_and_its_effects_is_repaired(shop: Workspace) -> None:
    done = subprocess.run([sys.executable, "-c", KILLED, str(shop.folder)], check=False)
    assert done.returncode == -signal.SIGKILL
    assert (champion(shop), alias(shop)) == (2, 1)
    assert reconcile(shop) == ["alias champion points at version 2"]
    assert alias(shop) == 2
    assert reconcile(shop) == []


def test_an_alias_that_somebody_moved_by_hand_is_moved_back(shop: Workspace) -> None:
    for elsewhere in (3, None):
        registry_of(shop).set_alias("shop", "champion", elsewhere)
        assert reconcile(shop) == ["alias champion points at version 1"]
        assert alias(shop) == 1
    assert reconcile(shop) == []


def test_homes_that_share_a_registry_move_its_alias_in_turn(
    shop: Workspace, tmp_path: Path
) -> None:
    file = tmp_path / "shared.db"
    shutil.copyfile(shop.place.home / "mlflow.db", file)
    copied = shutil.copytree(shop.folder, tmp_path / "another home" / "shop")
    here, there = (
        with_registry(workspace, f"sqlite:///{file}")
        for workspace in (shop, open_workspace(copied))
    )
    promote(here, 2)
    promote(there, 3, force=True, reason="a test")
    assert alias(here) == alias(there) == 3
    promote(here, 2)
    assert alias(here) == alias(there) == 2


def test_a_registry_that_is_away_does_not_fail_a_run_that_promotes_nothing(
    shop: Workspace, write: Make
) -> None:
    late = write(judged(number=3), {"champion": "1"})
    promote(shop, 2)
    away = with_registry(shop, "http://127.0.0.1:9")
    run = execute(replace(late, workspace=away))
    assert (run.state, run.version) == (RunState.SUCCEEDED, 3)
    with pytest.raises(TemporaryError):
        promote(away, 2)


class Died(BaseException):
    """The driver's process ends here."""


def dies(*_: object, **__: object) -> None:
    raise Died


def changes_until(shop: Workspace, state: RunState) -> Callable[..., None]:
    """Changes of runs, up to the one that would say how the run ended."""
    change = shop.state.runs.change

    def changed(project: str, run_id: str, lease: Lease, **values: Any) -> None:
        if values.get("state") is state:
            raise Died
        change(project, run_id, lease, **values)

    return changed


def test_a_driver_that_dies_before_it_promoted_leaves_a_run_that_is_resumed_and_promoted(
    shop: Workspace, write: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    ready = write(judged(number=3), {"champion": "1"})
    with monkeypatch.context() as patch, pytest.raises(Died):
        patch.setattr(finalize, "promote_automatically", dies)
        execute(ready)
    found = finalize.detect_interrupted(shop, shop.state.runs.get("shop", ready.run.id))
    assert (found.state, found.version, champion(shop)) == (RunState.INTERRUPTED, 3, 1)
    assert execute(prepare_resume(shop, ready.run.id)).state is RunState.SUCCEEDED
    assert champion(shop) == 3


@pytest.mark.parametrize("rolled_back", [False, True])
def test_a_driver_that_dies_after_it_promoted_promotes_once(
    shop: Workspace, write: Make, monkeypatch: pytest.MonkeyPatch, rolled_back: bool
) -> None:
    ready = write(judged(number=3), {"champion": "1"})
    with monkeypatch.context() as patch, pytest.raises(Died):
        patch.setattr(shop.state.runs, "change", changes_until(shop, RunState.SUCCEEDED))
        execute(ready)
    assert champion(shop) == 3
    if rolled_back:
        promote(shop, 1)
    lines = len(shop.state.models.history("shop"))
    assert execute(prepare_resume(shop, ready.run.id)).state is RunState.SUCCEEDED
    assert champion(shop) == (1 if rolled_back else 3)
    assert len(shop.state.models.history("shop")) == lines


@pytest.mark.parametrize(
    ("outputs", "verdict"), [("renamed", "is_blessed"), ("untyped", "blessed")]
)
def test_a_verdict_that_cannot_be_read_fails_the_run_and_is_never_guessed(
    shop: Workspace, write: Make, outputs: str, verdict: str
) -> None:
    plan = judged(number=3)
    figures = ("metric", "value", "champion_value", verdict, "reason")
    evaluate = replace(plan.tasks[0], step=f"tiny_steps:evaluate_{outputs}", figures=figures)
    ready = write(replace(plan, tasks=(evaluate, *plan.tasks[1:])), {"champion": "1"})
    found = execute(ready)
    assert (found.state, found.version, champion(shop)) == (RunState.FAILED, None, 1)
    assert "the verdict of step evaluate cannot be read" in str(found.error)


def test_a_blessed_model_without_a_version_fails_the_run(shop: Workspace, write: Make) -> None:
    plan = judged(number=3)
    register = replace(plan.tasks[1], step="tiny_steps:register_renamed", figures=("number",))
    ready = write(replace(plan, tasks=(plan.tasks[0], register)), {"champion": "1"})
    with pytest.raises(IntegrityError, match="no version of it"):
        execute(ready)
    assert shop.state.runs.get("shop", ready.run.id).state is RunState.FAILED


def test_a_run_that_was_judged_against_an_older_champion_is_not_promoted(
    shop: Workspace, write: Make
) -> None:
    late = write(judged(number=3), {"champion": "1"})
    promote(shop, 2)
    run = execute(late)
    assert run.version == 3
    assert champion(shop) == 2


def test_of_two_promotions_at_once_one_wins_and_is_told_apart(shop: Workspace) -> None:
    assert shop.state.models.promote("shop", 2, expected=1).previous == 1
    with pytest.raises(Conflict, match="judged against version 1"):
        shop.state.models.promote("shop", 3, expected=1, force=True, reason="a test")


def test_a_manual_gate_waits_for_a_person(workspace: Workspace, write: Make) -> None:
    file = workspace.folder / "mizzen.yaml"
    file.write_text(file.read_text().replace("gate:\n", "gate:\n  promote: manual\n"))
    manual = open_workspace(workspace.folder)
    from mizzen.control.runs.request import RunRequest
    from mizzen.control.runs.submit import write_down

    run = execute(write_down(manual, RunRequest(), judged(number=1), {}, NOW))
    assert run.version == 1
    assert manual.state.models.champion("shop") is None
    assert os.listdir(manual.place.home)  # noqa: PTH208
